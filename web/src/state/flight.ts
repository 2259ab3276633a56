/** Flying a tour: where in it one is, how fast, and whether it runs. The tour itself is part of the view. */
import { create } from "zustand";
import { lengthOf, MOST_STOPS, type Stop, type Tour, USUAL_SECONDS } from "./tour";
import { type Camera, useView } from "./view";

interface Flying {
  open: boolean;
  playing: boolean;
  /** Seconds of the tour. */
  at: number;
  speed: number;
  /** Are clicks into the scene corners of a line to be followed? */
  drawing: boolean;
  line: [number, number][];
  /** Is a film being made? Then nobody else moves the camera. */
  filming: boolean;
}

export const SPEEDS = [0.5, 1, 2, 4];

export const useFlying = create<Flying>()(() => ({ open: false, playing: false, at: 0, speed: 1, drawing: false, line: [], filming: false }));

/** Does the reader want to be spared motion? */
export function wantsStill(): boolean {
  return typeof window !== "undefined" && (window.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false);
}

function put(stops: Stop[], loop = useView.getState().tour?.loop ?? false): void {
  useView.setState({ tour: stops.length > 0 ? { stops: stops.slice(0, MOST_STOPS), loop } : null });
}

/** Take a view, else the one that was reported last, as the next stop. */
export function addStop(present?: Camera): void {
  const { camera: reported, tour } = useView.getState();
  const camera = present ?? reported;
  if (!camera) return;
  const { lon, lat, zoom, bearing, pitch } = camera;
  put([...(tour?.stops ?? []), { lon, lat, zoom, bearing, pitch, seconds: USUAL_SECONDS }]);
}

/** Change the stops of the tour. */
export function changeStops(change: (stops: Stop[]) => Stop[]): void {
  put(change([...(useView.getState().tour?.stops ?? [])]));
}

/** Move a stop up or down. */
export function moveStop(index: number, by: -1 | 1): void {
  changeStops((stops) => {
    const other = index + by;
    if (other < 0 || other >= stops.length) return stops;
    [stops[index], stops[other]] = [stops[other]!, stops[index]!];
    return stops;
  });
}

/** Set whether the tour goes round and round. */
export function setLoop(loop: boolean): void {
  const { tour } = useView.getState();
  if (tour) put(tour.stops, loop);
}

/** Start or hold; from the end it begins anew. */
export function toggleFlight(): void {
  const { tour } = useView.getState();
  const { playing, at } = useFlying.getState();
  if (!tour || tour.stops.length < 2) return;
  useFlying.setState({ playing: !playing, at: !playing && at >= lengthOf(tour) ? 0 : at });
}

/** End the flight: back to its first stop. */
export function stopFlight(): void {
  useFlying.setState({ playing: false, at: 0 });
}

/** Let time pass in a flight; a tour that goes round begins again, another ends. */
export function passed(tour: Tour, seconds: number): void {
  const { at, speed } = useFlying.getState();
  const length = lengthOf(tour);
  const next = at + seconds * speed;
  if (next < length) useFlying.setState({ at: next });
  else if (tour.loop && length > 0) useFlying.setState({ at: next % length });
  else useFlying.setState({ at: length, playing: false });
}
