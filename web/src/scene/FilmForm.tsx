import type { CesiumWidget } from "@cesium/engine";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import DatePicker from "antd/es/date-picker";
import Segmented from "antd/es/segmented";
import Select from "antd/es/select";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { useEffect, useRef, useState } from "react";
import { addStep, today } from "../format/instant";
import { makeFilm, makePictures, MOST_FRAMES, MOST_PICTURES, wayOf } from "../record/film";
import { useFlying } from "../state/flight";
import { FIRST_DAY, lastDay } from "../state/clock";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import type { Tour } from "../state/tour";
import { useView } from "../state/view";
import { type FilmedDays, framesOf, frameOfFlight } from "./film";

const FORM = "YYYY-MM-DD";
const RATES = [5, 10, 15, 25];

/** Take a film (or its pictures) of a flight, with or without time running. */
export default function FilmForm({ widget, tour }: { widget: CesiumWidget; tour: Tour }) {
  const { t } = useWords();
  const filming = useFlying((flying) => flying.filming);
  const [rate, setRate] = useState(10);
  const [kind, setKind] = useState<"webm" | "png">("webm");
  const [days, setDays] = useState<FilmedDays | null>(null);
  const [done, setDone] = useState(0);
  const [none, setNone] = useState(false);
  const stopping = useRef<AbortController | null>(null);
  useEffect(() => {
    void wayOf().then((way) => setNone(way === "none"));
    return () => stopping.current?.abort();
  }, []);
  const frames = framesOf(tour, rate);
  const pictures = kind === "png" || none;
  const most = pictures ? MOST_PICTURES : MOST_FRAMES;
  const tooMany = frames > most;
  const begin = async () => {
    const { day } = useView.getState().time;
    stopping.current = new AbortController();
    const { signal } = stopping.current;
    setDone(0);
    useFlying.setState({ filming: true, playing: false });
    try {
      const make = pictures ? makePictures : makeFilm;
      const file = await make({ frames, rate, draw: frameOfFlight(widget, tour, rate, days, signal), told: setDone, signal });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = `flight.${pictures ? "zip" : "webm"}`;
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      useNotices.getState().tell({ kind: "done", text: t("film.done", { count: frames }) });
    } catch {
      // What the browser says of it is in its own words and language; what helps is the same whatever it was.
      if (!signal.aborted) useNotices.getState().tell({ kind: "fault", text: t("film.failed") });
    } finally {
      useFlying.setState({ filming: false, at: 0 });
      if (days) useView.getState().setDay(day);
    }
  };
  const pick = (name: "from" | "to") => days && (
    <label>{t(`film.${name}`)}<DatePicker allowClear={false} size="small" value={dayjs(days[name])} format={FORM} disabled={filming}
      minDate={dayjs(name === "from" ? FIRST_DAY : days.from)} maxDate={dayjs(name === "to" ? lastDay() : days.to)}
      onChange={(found) => { if (found) setDays({ ...days, [name]: found.format(FORM) }); }} /></label>
  );
  return (
    <div className="film-form" role="group" aria-label={t("film.title")}>
      <div className="flight-line">
        <Segmented size="small" value={kind} onChange={setKind} disabled={filming} aria-label={t("film.title")}
          options={[{ value: "webm", label: t("play.exportVideo") }, { value: "png", label: t("play.exportPng") }]} />
        <Select size="small" aria-label={t("film.rate")} value={rate} disabled={filming} popupMatchSelectWidth={false} onChange={setRate}
          options={RATES.map((value) => ({ value, label: t("film.rateOf", { rate: value }) }))} />
      </div>
      <Checkbox checked={days !== null} disabled={filming}
        onChange={({ target }) => setDays(target.checked ? { from: addStep(today(), "year", -10), to: today() } : null)}>{t("film.days")}</Checkbox>
      {days && <div className="flight-line">{pick("from")}{pick("to")}</div>}
      {none && kind === "webm" && <p role="alert">{t("film.fallback")}</p>}
      {tooMany && <p role="alert">{t("film.many", { most })}</p>}
      <div className="flight-line">
        <span role="status">{filming ? t("film.busy", { index: done, count: frames }) : t("film.frames", { count: frames })}</span>
        {filming ? <Button onClick={() => stopping.current?.abort()}>{t("film.cancel")}</Button>
          : <Button type="primary" disabled={tooMany} onClick={() => void begin()}>{t("film.make")}</Button>}
      </div>
      {filming && <progress max={frames} value={done} aria-label={t("film.title")} />}
    </div>
  );
}
