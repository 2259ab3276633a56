import Button from "antd/es/button";
import Input from "antd/es/input";
import Modal from "antd/es/modal";
import { useState } from "react";
import { CloseOutlined, DeleteOutlined, UndoOutlined } from "../icons";
import type { FigureKind } from "../format/figures";
import type { MessageKey } from "../format/messages.zh";
import { SYMBOLS } from "../format/symbols";
import { pick } from "../format/text";
import { Empty } from "../panels/PanelState";
import { useErrorText } from "../panels/PanelState";
import { askUndo } from "../panels/undo";
import { RedoIcon } from "../panels/edit/icons";
import { useNotices } from "../state/notices";
import { ANNOTATIONS, type Mark, unsaved, usePlot } from "../state/plot";
import { useWords } from "../state/preferences";
import { useLayer } from "../state/queries";
import { announce } from "../state/refresh";
import { useSession } from "../state/session";
import { useView } from "../state/view";
import { FigureIcon } from "./FigureIcon";
import { MarkForm, StyleForm } from "./MarkForm";
import { SeenBy } from "./SeenBy";
import "../styles/plot.css";

const KINDS: FigureKind[] = ["text", "line", "freehand", "polygon", "circle", "sector", "arrow", "attack", "assembly"];
const HINTS: Record<FigureKind, MessageKey> = {
  symbol: "plot.hintPoint", text: "plot.hintPoint", line: "plot.hintMany", freehand: "plot.hintFree", polygon: "plot.hintMany", circle: "plot.hintCircle",
  sector: "plot.hintThree", arrow: "plot.hintTwo", attack: "plot.hintMany", assembly: "plot.hintMany",
};

function Palette() {
  const { t, language } = useWords();
  const { kind, style } = usePlot();
  const { setKind, setStyle } = usePlot.getState();
  const codes = useLayer(ANNOTATIONS)?.fields.find((field) => field.name === "symbol")?.codes ?? {};
  return (
    <>
      <div className="plot-tools" role="group" aria-label={t("plot.tools")}>
        <button type="button" aria-pressed={kind === null} onClick={() => setKind(null)} title={t("plot.choose")} aria-label={t("plot.choose")}>
          <svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" aria-hidden="true">
            <path d="m5 3 14 8-6 2-3 6z" />
          </svg>
          <small>{t("plot.choose")}</small>
        </button>
        {KINDS.map((each) => (
          <button key={each} type="button" aria-pressed={kind === each} onClick={() => setKind(each)} aria-label={t(`plot.${each}` as MessageKey)}>
            <FigureIcon kind={each} /><small>{t(`plot.${each}` as MessageKey)}</small>
          </button>
        ))}
      </div>
      <div className="plot-tools" role="group" aria-label={t("plot.symbols")}>
        {Object.keys(SYMBOLS).map((symbol) => (
          <button key={symbol} type="button" aria-pressed={kind === "symbol" && style.symbol === symbol} aria-label={pick(codes[symbol], language) || symbol}
            onClick={() => { setKind("symbol"); setStyle({ symbol }); }}>
            <FigureIcon kind="symbol" symbol={symbol} /><small>{pick(codes[symbol], language) || symbol}</small>
          </button>
        ))}
      </div>
    </>
  );
}

function MarkList({ marks }: { marks: Mark[] }) {
  const { t } = useWords();
  const chosen = usePlot((plot) => plot.chosen);
  const { choose, remove, setKind } = usePlot.getState();
  if (marks.length === 0) return <Empty title={t("plot.empty")} hint={t("plot.emptyHint")} />;
  return (
    <ul className="plot-marks" aria-label={t("plot.marks")}>
      {marks.map((mark) => {
        const name = mark.title || t(`plot.${mark.kind}` as MessageKey);
        return (
          <li key={mark.key} data-kind={mark.kind}>
            <div>
              <button type="button" className="mark-name" aria-pressed={chosen === mark.key}
                onClick={() => { setKind(null); choose(chosen === mark.key ? null : mark.key); }}>
                <i style={{ color: mark.color }}><FigureIcon kind={mark.kind} symbol={mark.symbol} /></i>{name}
              </button>
              <button type="button" className="quiet" aria-label={t("plot.remove", { name })} onClick={() => remove(mark.key)}><DeleteOutlined /></button>
            </div>
            {chosen === mark.key && <MarkForm mark={mark} />}
          </li>
        );
      })}
    </ul>
  );
}

/** Plot on the map: choose a figure, draw, style, and save all of it as features of the layer of annotations. */
export default function PlotPanel() {
  const { t } = useWords();
  const plot = usePlot();
  const textOf = useErrorText();
  const account = useSession((session) => session.account);
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const [asked, setAsked] = useState(false);
  const count = unsaved(plot);
  // The form of a mark that is chosen has the same fields: those of the next one would only be taken for them.
  const chosen = plot.marks.some((mark) => mark.key === plot.chosen);
  const leave = () => {
    plot.clear();
    useView.getState().setTool("identify");
  };
  const save = async () => {
    setTried(true);
    if (!plot.topic.trim() || !reason.trim()) return;
    const saved = await plot.save(reason.trim());
    if (!saved) return;
    setTried(false);
    const action = account?.capabilities.includes("undo") ? { text: t("undo.confirm"), run: () => askUndo(saved.seq) } : undefined;
    useNotices.getState().tell({ kind: "done", text: t("plot.saved", saved), action }, 12);
    useView.getState().show([ANNOTATIONS], true);
    announce([ANNOTATIONS]);
  };
  return (
    <aside className="panel feature plot" data-covers="right" aria-label={t("plot.title")}>
      <header className="panel-head">
        <div className="feature-head"><h2>{t("plot.title")}</h2></div>
        <button type="button" className="quiet" aria-label={t("edit.geometryUndo")} title={`${t("edit.geometryUndo")} (Ctrl+Z)`}
          disabled={plot.past.length === 0 && plot.drawing.length === 0} onClick={plot.undo}><UndoOutlined /></button>
        <button type="button" className="quiet" aria-label={t("edit.redo")} title={`${t("edit.redo")} (Ctrl+Shift+Z)`}
          disabled={plot.future.length === 0} onClick={plot.redo}><RedoIcon /></button>
        <button type="button" className="quiet" aria-label={t("common.close")} onClick={() => (count > 0 ? setAsked(true) : leave())}><CloseOutlined /></button>
      </header>
      <div className="panel-body plot-body">
        <Palette />
        {plot.kind && !chosen && <StyleForm kind={plot.kind} style={plot.style} change={plot.setStyle} />}
        {plot.kind && !chosen && (
          <label className="plot-text">{t("plot.text")}<Input value={plot.title} maxLength={80} onChange={(event) => plot.set({ title: event.target.value })} /></label>
        )}
        <p className="form-note" role="status">{t(plot.kind ? HINTS[plot.kind] : "plot.hintChoose")}</p>
        <MarkList marks={plot.marks} />
      </div>
      <footer className="panel-foot plot-foot">
        <label>{t("plot.topic")}<Input id="plot-topic" value={plot.topic} maxLength={80} placeholder={t("plot.topicHint")}
          status={tried && !plot.topic.trim() ? "error" : undefined} onChange={(event) => plot.set({ topic: event.target.value })} /></label>
        <label>{t("plot.reason")}<Input id="plot-reason" value={reason} maxLength={500} placeholder={t("edit.reasonHint")}
          status={tried && !reason.trim() ? "error" : undefined} onChange={(event) => setReason(event.target.value)} /></label>
        <label>{t("plot.seenBy")}<SeenBy value={plot.seenBy} change={plot.setSeenBy} /></label>
        {tried && (!plot.topic.trim() || !reason.trim()) && <p className="form-fault" role="alert">{t("plot.needTopic")}</p>}
        {plot.problem && (
          <div className="form-fault" role="alert">{textOf(plot.problem)}
            <ul>{(plot.problem.faults ?? []).map((fault, index) => <li key={index}>{typeof fault === "string" ? fault : fault.message}</li>)}</ul>
          </div>
        )}
        <small className="form-note">{t("plot.visible")}</small>
        <Button type="primary" disabled={count === 0} loading={plot.saving} onClick={() => void save()}>{t("plot.save", { count })}</Button>
      </footer>
      <Modal open={asked} title={t("edit.discard")} okText={t("edit.discardYes")} cancelText={t("edit.discardNo")} width={360}
        okButtonProps={{ danger: true }} onCancel={() => setAsked(false)} onOk={() => { setAsked(false); leave(); }} />
    </aside>
  );
}
