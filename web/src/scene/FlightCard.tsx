import {
  CaretDownFilled, CaretRightOutlined, CaretUpFilled, CloseOutlined, DeleteOutlined, PauseOutlined, PlusOutlined, RetweetOutlined, VideoCameraOutlined,
} from "../icons";
import type { CesiumWidget } from "@cesium/engine";
import Button from "antd/es/button";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import Slider from "antd/es/slider";
import { lazy, Suspense, useEffect, useState } from "react";
import { Opening } from "../later";
import { addStop, changeStops, moveStop, setLoop, SPEEDS, stopFlight, toggleFlight, useFlying, wantsStill } from "../state/flight";
import { useWords } from "../state/preferences";
import { along, lengthOf, MOST_STOPS, timesOf } from "../state/tour";
import { useView } from "../state/view";
import { seen } from "./camera";

const FilmForm = lazy(() => import("./FilmForm"));
// As a low aircraft flies, and as one looks from it.
const SPEED_M_S = 60;
const PITCH = 68;
const ZOOMS = [{ metres: 60, zoom: 18.2 }, { metres: 120, zoom: 17.2 }, { metres: 250, zoom: 16.1 }, { metres: 500, zoom: 15.1 }];

/** A flight: its views, the way along a drawn line, flying it, and a film of it. */
export function FlightCard({ widget }: { widget: CesiumWidget }) {
  const { t } = useWords();
  const { open, playing, at, speed, drawing, line, filming } = useFlying();
  const tour = useView((view) => view.tour);
  const [zoom, setZoom] = useState(17.2);
  const [recording, setRecording] = useState(false);
  const given = tour !== null;
  // A view that comes with a flight shows it.
  useEffect(() => {
    if (given) useFlying.setState({ open: true });
  }, [given]);
  useEffect(() => () => useFlying.setState({ playing: false, drawing: false, line: [], at: 0, filming: false }), []);
  if (!open) return null;
  const stops = tour?.stops ?? [];
  const length = tour ? lengthOf(tour) : 0;
  const flyable = stops.length > 1 && !filming;
  const close = () => {
    stopFlight();
    useFlying.setState({ open: false, drawing: false, line: [] });
  };
  const clear = () => {
    stopFlight();
    useView.setState({ tour: null });
  };
  const follow = () => {
    const made = along(line, zoom, PITCH, SPEED_M_S);
    useView.setState({ tour: made.length > 1 ? { stops: made, loop: false } : null });
    useFlying.setState({ drawing: false, line: [], at: 0, playing: false });
  };
  return (
    <section className="flight-card" aria-label={t("flight.title")} data-covers="left">
      <header>
        <h2>{t("flight.title")}</h2>
        <button type="button" className="quiet" aria-label={t("flight.close")} title={t("flight.close")} disabled={filming} onClick={close}><CloseOutlined /></button>
      </header>
      <div className="flight-line">
        <Button icon={<PlusOutlined />} disabled={filming || stops.length >= MOST_STOPS} onClick={() => addStop(seen(widget)?.camera)}>{t("flight.add")}</Button>
        <Button disabled={filming} aria-pressed={drawing} type={drawing ? "primary" : "default"}
          onClick={() => useFlying.setState({ drawing: !drawing, line: [] })}>{t("flight.draw")}</Button>
        {stops.length > 0 && <Button disabled={filming} onClick={clear}>{t("flight.clear")}</Button>}
      </div>
      {stops.length >= MOST_STOPS && <p role="status">{t("flight.many", { most: MOST_STOPS })}</p>}
      {drawing && (
        <div className="flight-drawing" role="status">
          <p>{t("flight.drawing", { count: line.length })}</p>
          <div className="flight-line">
            <Select size="small" aria-label={t("flight.height")} value={zoom} onChange={setZoom} popupMatchSelectWidth={false}
              options={ZOOMS.map(({ metres, zoom: value }) => ({ value, label: t("flight.metres", { metres }) }))} />
            <Button type="primary" disabled={line.length < 2} onClick={follow}>{t("flight.drawn")}</Button>
          </div>
        </div>
      )}
      {stops.length === 0 && !drawing && <p className="flight-hint">{t("flight.empty")}</p>}
      <ol className="flight-stops">
        {stops.map((stop, i) => (
          <li key={i} data-here={tour !== null && Math.abs((timesOf(tour)[i] ?? -1) - at) < 0.05}>
            <button type="button" className="link-button" aria-label={t("flight.goTo", { index: i + 1 })}
              onClick={() => {
                useFlying.setState({ playing: false, at: tour ? timesOf(tour)[i]! : 0 });
                useView.getState().fly({ center: [stop.lon, stop.lat], zoom: stop.zoom, bearing: stop.bearing, pitch: stop.pitch });
              }}>{t("flight.stop", { index: i + 1 })}</button>
            <InputNumber size="small" min={0.5} max={600} step={0.5} value={stop.seconds} suffix="s" disabled={filming || (i === 0 && !tour?.loop)} aria-label={t("flight.seconds", { index: i + 1 })}
              onChange={(seconds) => { if (seconds) changeStops((all) => all.map((each, k) => (k === i ? { ...each, seconds } : each))); }} />
            <button type="button" className="quiet" disabled={filming || i === 0} aria-label={t("flight.up", { index: i + 1 })} title={t("flight.up", { index: i + 1 })}
              onClick={() => moveStop(i, -1)}><CaretUpFilled /></button>
            <button type="button" className="quiet" disabled={filming || i === stops.length - 1} aria-label={t("flight.down", { index: i + 1 })} title={t("flight.down", { index: i + 1 })}
              onClick={() => moveStop(i, 1)}><CaretDownFilled /></button>
            <button type="button" className="quiet" disabled={filming} aria-label={t("flight.delete", { index: i + 1 })} title={t("flight.delete", { index: i + 1 })}
              onClick={() => changeStops((all) => all.filter((_, k) => k !== i))}><DeleteOutlined /></button>
          </li>
        ))}
      </ol>
      {stops.length > 1 && tour && (
        <>
          <div className="flight-line">
            <Button type="primary" disabled={!flyable} icon={playing ? <PauseOutlined /> : <CaretRightOutlined />} onClick={toggleFlight}>{t(playing ? "flight.pause" : "flight.play")}</Button>
            <Button disabled={!flyable || (at === 0 && !playing)} onClick={stopFlight}>{t("flight.end")}</Button>
            <Select size="small" aria-label={t("flight.speed")} value={speed} popupMatchSelectWidth={false} onChange={(value) => useFlying.setState({ speed: value })}
              options={SPEEDS.map((value) => ({ value, label: t("flight.times", { speed: value }) }))} />
            <button type="button" className="quiet" aria-pressed={tour.loop} disabled={filming} aria-label={t("flight.loop")} title={t("flight.loop")} onClick={() => setLoop(!tour.loop)}><RetweetOutlined /></button>
            <button type="button" className="quiet" aria-pressed={recording} disabled={filming} aria-label={t("film.title")} title={t("film.title")}
              onClick={() => { useFlying.setState({ playing: false }); setRecording(!recording); }}><VideoCameraOutlined /></button>
          </div>
          <Slider min={0} max={length} step={0.1} value={at} disabled={filming} tooltip={{ open: false }} ariaLabelForHandle={t("flight.progress")}
            onChange={(value) => useFlying.setState({ playing: false, at: Math.min(value, length - 0.01) })} />
          <p className="flight-hint" role="status">{t("flight.at", { at: at.toFixed(1), length: length.toFixed(1) })}</p>
          {wantsStill() && <p className="flight-hint">{t("flight.still")}</p>}
          {recording && <Suspense fallback={<Opening />}><FilmForm widget={widget} tour={tour} /></Suspense>}
          <p className="flight-hint">{t("flight.keep")}</p>
        </>
      )}
    </section>
  );
}
