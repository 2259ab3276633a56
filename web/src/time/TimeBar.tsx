import {
  CaretRightOutlined, CloseOutlined, LoadingOutlined, PauseOutlined, PushpinOutlined, RetweetOutlined, StepBackwardOutlined, StepForwardOutlined,
  VideoCameraOutlined,
} from "../icons";
import DatePicker from "antd/es/date-picker";
import Segmented from "antd/es/segmented";
import Select from "antd/es/select";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { lazy, Suspense, useState } from "react";
import { Opening } from "../later";
import { addStep, type Step, today } from "../format/instant";
import { closeClock, FIRST_DAY, lastDay, showDay, useClock } from "../state/clock";
import { useWords } from "../state/preferences";
import { useSession } from "../state/session";
import { useView } from "../state/view";
import { Pins } from "./Pins";
import { Slider } from "./Slider";
import { stepBy, togglePlay, usePlayback } from "./usePlayback";
import "../styles/time.css";

const FramesDialog = lazy(() => import("./FramesDialog"));
const STEPS: Step[] = ["day", "week", "month", "quarter", "year", "decade"];
const SPEEDS = [0.5, 1, 2, 4, 8];
const FORM = "YYYY-MM-DD";

function Kind({ day }: { day: string }) {
  const { t } = useWords();
  const until = useView((view) => view.time.until);
  const { setUntil } = useView.getState();
  return (
    <>
      <Segmented aria-label={t("play.kind")} value={until ? "interval" : "instant"}
        options={(["instant", "interval"] as const).map((value) => ({ value, label: t(`play.${value}`) }))}
        onChange={(value) => {
          showDay(day);
          if (value === "interval" && useView.getState().time.day === null) useView.getState().setDay(day);
          setUntil(value === "interval" ? addStep(day, "year", 5) : null);
        }} />
      {until && (
        <label className="time-until" title={t("play.intervalHint")}>
          {t("play.until")}
          <DatePicker allowClear={false} size="small" value={dayjs(until)} format={FORM} minDate={dayjs(day).add(1, "day")} maxDate={dayjs(lastDay())}
            onChange={(value) => { if (value) setUntil(value.format(FORM)); }} />
        </label>
      )}
    </>
  );
}

/** The time bar under the map: where in time one is, how it goes on, and what changes. */
export default function TimeBar() {
  const { t } = useWords();
  const day = useView((view) => view.time.day) ?? today();
  const knownAt = useView((view) => view.time.knownAt);
  const { playing, step, speed, loop, counts, settled, window: span } = useClock();
  const signedIn = useSession((session) => session.account !== null);
  const [filming, setFilming] = useState(false);
  const [pinning, setPinning] = useState(false);
  usePlayback();
  const waiting = span !== null && settled !== day;
  return (
    <section className="timebar" data-covers="bottom" data-settled={settled ?? ""} aria-label={t("play.title")}>
      <div className="time-line">
        <div className="time-buttons">
          <button type="button" className="map-button" aria-label={t("play.back")} title={t("play.back")} onClick={() => stepBy(-1)}><StepBackwardOutlined /></button>
          <button type="button" className="map-button time-play" aria-label={t(playing ? "play.pause" : "play.play")} title={t(playing ? "play.pause" : "play.play")}
            onClick={togglePlay}>{playing ? <PauseOutlined /> : <CaretRightOutlined />}</button>
          <button type="button" className="map-button" aria-label={t("play.forth")} title={t("play.forth")} onClick={() => stepBy(1)}><StepForwardOutlined /></button>
        </div>
        <DatePicker className="time-date" aria-label={t("play.date")} allowClear={false} size="small" value={dayjs(day)} format={FORM}
          minDate={dayjs(FIRST_DAY)} maxDate={dayjs(lastDay())} onChange={(value) => { if (value) showDay(value.format(FORM)); }} />
        <Kind day={day} />
        <p className="time-counts" role="status" aria-live={playing ? "off" : "polite"}>
          {waiting ? <><LoadingOutlined /> {t("play.loading")}</> : counts ? t("play.counts", counts) : ""}
        </p>
        <span className="spring" />
        <Select size="small" aria-label={t("play.step")} value={step} popupMatchSelectWidth={false} onChange={(value) => useClock.setState({ step: value })}
          options={STEPS.map((value) => ({ value, label: t(`play.step.${value as "day"}`) }))} />
        <Select size="small" aria-label={t("play.speed")} value={speed} popupMatchSelectWidth={false} onChange={(value) => useClock.setState({ speed: value })}
          options={SPEEDS.map((value) => ({ value, label: t("play.perSecond", { count: value }) }))} />
        <button type="button" className="quiet" aria-pressed={loop} aria-label={t("play.loop")} title={t("play.loop")}
          onClick={() => useClock.setState({ loop: !loop })}><RetweetOutlined /></button>
        <button type="button" className="quiet" aria-pressed={pinning} aria-label={t("play.pin")} title={t("play.pin")} onClick={() => setPinning(!pinning)}><PushpinOutlined /></button>
        <button type="button" className="quiet" aria-label={t("play.export")} title={t("play.export")} onClick={() => { useClock.setState({ playing: false }); setFilming(true); }}>
          <VideoCameraOutlined />
        </button>
        <button type="button" className="quiet" aria-label={t("play.close")} title={t("play.close")} onClick={closeClock}><CloseOutlined /></button>
      </div>
      {pinning && <Pins day={day} />}
      {signedIn && pinning && (
        <label className="time-known" title={t("play.knownHint")}>
          {t("play.knownAt")}
          <DatePicker size="small" format={FORM} value={knownAt && /^\d{4}-/.test(knownAt) ? dayjs(knownAt) : null} maxDate={dayjs()}
            onChange={(value) => useView.getState().setKnownAt(value ? value.format(FORM) : null)} />
          <small>{t("play.knownHint")}</small>
        </label>
      )}
      <Slider day={day} />
      {filming && <Suspense fallback={<Opening />}><FramesDialog day={day} close={() => setFilming(false)} /></Suspense>}
    </section>
  );
}
