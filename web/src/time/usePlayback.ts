import { useEffect, useRef } from "react";
import { addStep, today } from "../format/instant";
import { FIRST_DAY, lastDay, showDay, useClock } from "../state/clock";
import { useView } from "../state/view";

/** Go one step from the shown day; returns false at the end of the slider. */
export function stepBy(count: number): boolean {
  const { step } = useClock.getState();
  const day = useView.getState().time.day ?? today();
  const next = addStep(day, step, count);
  if (next < FIRST_DAY || next > lastDay()) return false;
  showDay(next, count > 0);
  return true;
}

/** Let the clock run: a step when its time has come and the map has drawn the one before. */
export function usePlayback(): void {
  const playing = useClock((clock) => clock.playing);
  const speed = useClock((clock) => clock.speed);
  const settled = useClock((clock) => clock.settled);
  const day = useView((view) => view.time.day) ?? today();
  const stepped = useRef(0);
  useEffect(() => {
    if (!playing || settled !== day) return undefined;
    const wait = Math.max(0, stepped.current + 1000 / speed - performance.now());
    const timer = window.setTimeout(() => {
      stepped.current = performance.now();
      if (stepBy(1)) return;
      if (useClock.getState().loop) showDay(FIRST_DAY);
      else useClock.setState({ playing: false });
    }, wait);
    return () => window.clearTimeout(timer);
  }, [playing, speed, settled, day]);
}

/** Start or stop; from the end of the slider it begins anew. */
export function togglePlay(): void {
  const { playing } = useClock.getState();
  if (!playing) {
    const day = useView.getState().time.day ?? today();
    showDay(addStep(day, useClock.getState().step, 1) > lastDay() ? FIRST_DAY : day);
  }
  useClock.setState({ playing: !playing });
}
