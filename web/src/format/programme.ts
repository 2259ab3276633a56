/** Curves of progress as drawings: percent over days. */
import { toMs } from "./instant";

export type Point = [day: string, percent: number];

export interface Extent {
  from: string;
  to: string;
}

/** Return the first and the last day of some curves, half a percent wider; null where there is none. */
export function extentOf(curves: Point[][]): Extent | null {
  const days = curves.flat().map(([day]) => day).sort();
  const [first, last] = [days[0], days.at(-1)];
  return first && last ? { from: first, to: last } : null;
}

/** Return where a day lies in an extent, 0 to 1. */
export function shareOf(day: string, { from, to }: Extent): number {
  const length = toMs(to) - toMs(from);
  return length > 0 ? Math.min(1, Math.max(0, (toMs(day) - toMs(from)) / length)) : 0;
}

/** Return the day that lies at a share of an extent. */
export function dayAt(share: number, { from, to }: Extent): string {
  return new Date(toMs(from) + Math.min(1, Math.max(0, share)) * (toMs(to) - toMs(from))).toISOString().slice(0, 10);
}

/** Draw a curve in a box: the path's text. What was reached goes on as a level line until a day. */
export function pathOf(points: Point[], extent: Extent, width: number, height: number, until?: string): string {
  const place = (day: string, percent: number) => `${(shareOf(day, extent) * width).toFixed(1)},${((1 - percent / 100) * height).toFixed(1)}`;
  const all = points.map(([day, percent]) => place(day, percent));
  const last = points.at(-1);
  if (last && until && until > last[0]) all.push(place(until, last[1]));
  return all.length > 0 ? `M${all.join("L")}` : "";
}

/** Count the floors that stand on a day. */
export function standing(days: (string | null)[], day: string): number {
  return days.filter((since) => since !== null && since <= day).length;
}
