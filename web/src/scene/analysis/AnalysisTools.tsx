import type { CesiumWidget } from "@cesium/engine";
import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import { useEffect, useRef, useState } from "react";
import { Problem } from "../../api/http";
import { CloseOutlined, DeleteOutlined, UndoOutlined } from "../../icons";
import { ANALYSIS_TOOLS, useAnalysing } from "../../state/analysis";
import { useWords } from "../../state/preferences";
import { useCity } from "../../state/queries";
import { useSession } from "../../state/session";
import { useView } from "../../state/view";
import type { MessageKey } from "../../format/messages.zh";
import { isUnderground, type Standing } from "../tilesets";
import { ClipControls } from "./ClipControls";
import { cutScene } from "./clip";
import { drawAnalysis } from "./draw";
import { saveCsv, saveDrawing, saveGeoJson, savePicture } from "./exports";
import { Found } from "./Found";
import { Numbers } from "./Numbers";
import { Options } from "./Options";
import { attachPlacing, clearSpots, takeBack } from "./placing";
import { SectionChart } from "./SectionChart";
import { ShownNote } from "./ShownNote";
import { shownInputs, useShown } from "./shown";
import { SkylineChart } from "./SkylineChart";
import { analyse, begun, isComplete, TOOLS } from "./tools";

const SETTLE_MS = 350;

/** Return a value once it has stood still for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}

/** The analyses of the scene: one card with the tools, what to click, the numbers of the server, and what can be taken away. */
export function AnalysisTools({ widget, standing }: { widget: CesiumWidget; standing: Standing[] }) {
  const { t } = useWords();
  const analysis = useView((view) => view.analysis);
  const shown = useShown();
  const selection = useView((view) => view.selection);
  const name = useSession((session) => session.account?.username ?? "");
  const geoid_m = useCity()?.geoid_offset_m ?? 0;
  const { progress, cut } = useAnalysing();
  const [fault, setFault] = useState<"nowhere" | "most" | null>(null);
  const drawing = useRef<SVGSVGElement | null>(null);
  const solid = selection.filter((ref) => standing.some(({ layer }) => layer.id === ref.layer && !isUnderground(layer)));
  const asked = useSettled(analysis);
  const refs = analysis?.tool === "volume" ? solid : [];
  const ready = analysis !== null && asked === analysis && isComplete(analysis, refs);
  const query = useQuery({
    queryKey: ["analysis", name, asked, shownInputs(shown, true), refs],
    enabled: ready,
    retry: false,
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      try {
        return await analyse(asked!, shown, refs, signal, (percent) => useAnalysing.setState({ progress: percent }));
      } finally {
        useAnalysing.setState({ progress: null });
      }
    },
  });
  const result = ready && query.data?.tool === analysis.tool ? query.data : null;

  useEffect(() => attachPlacing(widget, standing, geoid_m, setFault), [widget, standing, geoid_m]);
  useEffect(() => (analysis ? drawAnalysis(widget, geoid_m, analysis, result) : undefined), [widget, geoid_m, analysis, result]);
  const cuts = analysis?.tool === "section" && analysis.points.length > 1 ? cut : null;
  useEffect(() => (cuts && analysis ? cutScene(widget, standing, analysis.points, cuts.side, cuts.offset_m) : undefined), [widget, standing, analysis?.points, cuts]);
  // Whoever digs wants to see what lies there.
  const isDug = result?.tool === "earthwork" && (result.found.pipe_count ?? 0) > 0;
  useEffect(() => {
    if (isDug) useView.getState().show(standing.filter(({ layer }) => isUnderground(layer)).map(({ layer }) => layer.id), true);
  }, [isDug, standing]);

  if (!analysis) return null;
  const { tool, points } = analysis;
  const hint = `analysis.${tool}.${tool === "volume" ? 0 : Math.min(points.length, tool === "earthwork" ? 3 : 2)}` as MessageKey;
  const problem = ready && query.isError ? query.error : null;
  return (
    <section className="analysis-card" aria-label={t("analysis.title")}>
      <header>
        <h2>{t("analysis.title")}</h2>
        <Button type="text" size="small" icon={<CloseOutlined />} aria-label={t("common.close")} onClick={() => useView.getState().setAnalysis(null)} />
      </header>
      <div className="analysis-tools" role="toolbar" aria-label={t("analysis.tool")}>
        {ANALYSIS_TOOLS.map((each) => (
          <button key={each} type="button" aria-pressed={each === tool} onClick={() => useView.getState().setAnalysis(begun(each))}>{t(`analysis.${each}`)}</button>
        ))}
      </div>
      <p className="analysis-hint" role="status">
        {fault ? t(`analysis.${fault}`) : t(hint)} {TOOLS[tool].most > 0 && <span>{t("analysis.keys")}</span>}
      </p>
      <Options analysis={analysis} />
      {TOOLS[tool].most > 0 && points.length > 0 && (
        <div className="analysis-line">
          <Button size="small" icon={<UndoOutlined />} onClick={takeBack}>{t("analysis.undo")}</Button>
          <Button size="small" icon={<DeleteOutlined />} onClick={clearSpots}>{t("analysis.clear")}</Button>
        </div>
      )}
      {ready && query.isFetching && (
        <div className="analysis-busy" role="status">
          <span>{progress === null ? t("analysis.busy") : t("analysis.job", { percent: progress })}</span>
          <progress max={100} value={progress ?? undefined} aria-label={t("analysis.busy")} />
        </div>
      )}
      {problem && (
        <div className="analysis-failed" role="alert">
          <p>{problemText(problem, t("analysis.noRight"), t("analysis.lost"), t("analysis.failed"))}</p>
          <Button size="small" onClick={() => void query.refetch()}>{t("analysis.retry")}</Button>
        </div>
      )}
      {result && (
        <div className="analysis-result" data-tool={result.tool}>
          {result.tool === "section" && <SectionChart found={result.found} drawing={drawing} />}
          {result.tool === "skyline" && <SkylineChart found={result.found} drawing={drawing} />}
          <Numbers result={result} />
          <ShownNote shown={shown} tool={result.tool} />
          {result.tool === "section" && <ClipControls />}
          <Found result={result} />
          <div className="analysis-line">
            <Button size="small" onClick={() => saveCsv(result)}>{t("analysis.csv")}</Button>
            {result.tool !== "volume" && <Button size="small" onClick={() => saveGeoJson(analysis, result)}>{t("analysis.geojson")}</Button>}
            {(result.tool === "section" || result.tool === "skyline") && (
              <Button size="small" onClick={() => drawing.current && saveDrawing(drawing.current, result.tool)}>{t("analysis.svg")}</Button>
            )}
            <Button size="small" onClick={() => savePicture(widget, result.tool)}>{t("analysis.png")}</Button>
          </div>
        </div>
      )}
    </section>
  );
}

/** Return what a reader is told of a fault: the server's own sentence where it names what was wrong. */
function problemText(error: Error, none: string, lost: string, failed: string): string {
  if (!(error instanceof Problem)) return failed;
  return error.status === 0 ? lost : error.status === 404 ? none : error.members.detail ? error.message : failed;
}
