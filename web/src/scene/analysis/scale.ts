/** Scales of charts: round numbers along an axis. */

/** Return about `count` round numbers within a range. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = Math.max(high - low, 1e-9);
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10].map((s) => s * power).find((s) => span / s <= count) ?? 10 * power;
  const found: number[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9; n += 1) found.push(Number((n * step).toFixed(6)));
  return found;
}

/** Return the function that takes a value of one range to its place in another. */
export function linear(from: [number, number], to: [number, number]): (value: number) => number {
  const share = (to[1] - to[0]) / (from[1] - from[0] || 1);
  return (value) => to[0] + (value - from[0]) * share;
}
