import Button from "antd/es/button";
import Modal from "antd/es/modal";
import Segmented from "antd/es/segmented";
import DatePicker from "antd/es/date-picker";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { useEffect, useRef, useState } from "react";
import { Problem } from "../api/http";
import { addStep } from "../format/instant";
import { FIRST_DAY, lastDay, useClock } from "../state/clock";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { useErrorText } from "../panels/PanelState";
import { canFilm, daysBetween, film, MOST_FRAMES, pictures } from "./frames";

const FORM = "YYYY-MM-DD";

/** Choose from when to when, and take the frames away as pictures or as a film. */
export default function FramesDialog({ day, close }: { day: string; close: () => void }) {
  const { t } = useWords();
  const textOf = useErrorText();
  const { step, speed } = useClock();
  const [from, setFrom] = useState(addStep(day, step, -10) < FIRST_DAY ? FIRST_DAY : addStep(day, step, -10));
  const [to, setTo] = useState(day);
  const [kind, setKind] = useState<"png" | "webm">("png");
  const [done, setDone] = useState<number | null>(null);
  const stopping = useRef<AbortController | null>(null);
  useEffect(() => () => stopping.current?.abort(), []);
  const days = daysBetween(from, to, step);
  const tooMany = days.length > MOST_FRAMES;
  const noVideo = kind === "webm" && !canFilm();
  const begin = async () => {
    stopping.current = new AbortController();
    setDone(0);
    try {
      const make = kind === "png" ? pictures : film;
      const file = await make(days, { speed, told: setDone, signal: stopping.current.signal });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = `map-${from}-${to}.${kind === "png" ? "zip" : "webm"}`;
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      useNotices.getState().tell({ kind: "done", text: t("play.exportDone", { count: days.length }) });
      close();
    } catch (error) {
      setDone(null);
      if (!stopping.current?.signal.aborted) useNotices.getState().tell({ kind: "fault", text: error instanceof Problem ? textOf(error) : t("film.failed") });
    }
  };
  const pick = (value: string, set: (day: string) => void, label: string) => (
    <label>{label}<DatePicker allowClear={false} size="small" value={dayjs(value)} format={FORM} minDate={dayjs(FIRST_DAY)} maxDate={dayjs(lastDay())}
      onChange={(found) => { if (found) set(found.format(FORM)); }} /></label>
  );
  return (
    <Modal open title={t("play.exportTitle")} onCancel={close} width={420} mask={false} footer={null}>
      <div className="frames">
        {pick(from, setFrom, t("play.exportFrom"))}
        {pick(to, setTo, t("play.exportTo"))}
        <Segmented aria-label={t("print.format")} value={kind} onChange={setKind} options={[{ value: "png", label: t("play.exportPng") }, { value: "webm", label: t("play.exportVideo") }]} />
        {tooMany && <p role="alert">{t("play.exportMany", { most: MOST_FRAMES })}</p>}
        {noVideo && <p role="alert">{t("play.exportNoVideo")}</p>}
        <div className="frames-foot">
          <span role="status">{done === null ? t("play.exportFrames", { count: days.length }) : t("play.exportBusy", { index: done, count: days.length })}</span>
          <Button type="primary" loading={done !== null} disabled={tooMany || noVideo || days.length === 0} onClick={() => void begin()}>{t("play.export")}</Button>
        </div>
        {done !== null && <progress max={days.length} value={done} />}
      </div>
    </Modal>
  );
}
