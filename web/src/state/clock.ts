/** The clock of playback: while it has a window, the map holds every version of that time and shows the moment by itself. */
import { create } from "zustand";
import { addStep, type Step, today } from "../format/instant";
import { useView } from "./view";

export interface Span {
  from: string;
  to: string;
}

interface Clock {
  open: boolean;
  playing: boolean;
  step: Step;
  /** Steps a second. */
  speed: number;
  loop: boolean;
  /** The time whose versions the map holds; null while it holds one day. */
  window: Span | null;
  /** The day that the map has come to show, tiles and all. */
  settled: string | null;
  /** What began, ended and changed in view in the last step. */
  counts: { built: number; ended: number; changed: number } | null;
  /** Takes the next finished picture of the map. */
  capture: ((canvas: HTMLCanvasElement) => void) | null;
}

export const useClock = create<Clock>()(() => ({
  open: false, playing: false, step: "year", speed: 2, loop: false, window: null, settled: null, counts: null, capture: null,
}));

export const FIRST_DAY = "1985-01-01";

/** Return the last day of the slider: the plans of the next ten years. */
export function lastDay(): string {
  return `${Number(today().slice(0, 4)) + 10}-01-01`;
}

// So many steps one loads ahead: more would be heavy tiles, less a pause every moment.
const AHEAD = 60;

function windowAround(day: string, step: Step, forward: boolean): Span {
  const unit: Step = step === "day" || step === "week" ? "month" : "year";
  // Whole years or months, so that the tiles of a window are asked for again and not those of another.
  const start = unit === "year" ? `${day.slice(0, 4)}-01-01` : `${day.slice(0, 7)}-01`;
  if (step === "year" || step === "decade") return { from: FIRST_DAY < day ? FIRST_DAY : start, to: addStep(lastDay() > day ? lastDay() : start, "year", 1) };
  return forward ? { from: addStep(start, unit, -1), to: addStep(addStep(start, step, AHEAD), unit, 1) }
    : { from: addStep(start, step, -AHEAD), to: addStep(start, unit, 2) };
}

/** Show a day from the window; the window moves along when the day leaves it. */
export function showDay(day: string, forward = true): void {
  const { window: span, step } = useClock.getState();
  const before = addStep(day, step, -1);
  const { until } = useView.getState().time;
  if (!span || (before < span.from && span.from > FIRST_DAY) || addStep(until ?? day, step, 1) > span.to) useClock.setState({ window: windowAround(day, step, forward) });
  const { time, setDay } = useView.getState();
  if (!time.day || !time.until) {
    setDay(day === today() ? null : day);
    return;
  }
  // An interval keeps its length and moves as a whole.
  const length = (Date.parse(time.until) - Date.parse(time.day)) / 86_400_000;
  useView.setState({ time: { ...time, day, until: addStep(day, "day", length) } });
}

/** Close the time bar: the map holds one day again. */
export function closeClock(): void {
  useClock.setState({ open: false, playing: false, window: null, settled: null, counts: null });
}
