/** A flight through the city: viewpoints, and how long it takes from each to the next. Kept with the view. */

export interface Stop {
  lon: number;
  lat: number;
  zoom: number;
  bearing: number;
  pitch: number;
  /** How long it takes to come here from the stop before. */
  seconds: number;
}

type Pose = Omit<Stop, "seconds">;

export interface Tour {
  stops: Stop[];
  loop: boolean;
}

export const MOST_STOPS = 60;
export const USUAL_SECONDS = 4;
const NAMES = ["lon", "lat", "zoom", "bearing", "pitch"] as const;
const FORM = /^-?\d{1,4}(\.\d{1,7})?$/;

/** Return how long a tour lasts; on its way round it comes back to the first stop in as long as that asks for. */
export function lengthOf({ stops, loop }: Tour): number {
  const ahead = stops.slice(1).reduce((sum, stop) => sum + stop.seconds, 0);
  return stops.length < 2 ? 0 : ahead + (loop ? stops[0]!.seconds : 0);
}

/** Return when each stop is reached; on a round tour the first comes once more at the end. */
export function timesOf({ stops, loop }: Tour): number[] {
  const times: number[] = [];
  let at = 0;
  stops.forEach((stop, i) => times.push((at += i === 0 ? 0 : stop.seconds)));
  if (loop && stops.length > 1) times.push(at + stops[0]!.seconds);
  return times;
}

/** The way on a compass from one bearing to another is the short one: return all of them without jumps. */
function unwound(bearings: number[]): number[] {
  const found: number[] = [];
  bearings.forEach((bearing, i) => {
    const before = found[i - 1];
    found.push(before === undefined ? bearing : before + ((((bearing - before) % 360) + 540) % 360) - 180);
  });
  return found;
}

/**
 * Return where the camera is at a time: at each stop exactly there, between them on a smooth curve that begins and ends softly.
 *
 * Cubic Hermite curves; the speed at a stop is that of the straight way between its neighbours, at both ends nothing.
 */
export function poseAt(tour: Tour, seconds: number): Pose {
  const times = timesOf(tour);
  const stops = tour.loop && tour.stops.length > 1 ? [...tour.stops, tour.stops[0]!] : tour.stops;
  const at = Math.min(times.at(-1) ?? 0, Math.max(0, seconds));
  let k = 0;
  while (k < times.length - 2 && times[k + 1]! <= at) k += 1;
  const columns = NAMES.map((name) => stops.map((stop) => stop[name]));
  columns[3] = unwound(columns[3]!);
  const values = columns.map((column) => between(column, times, k, at));
  const [lon, lat, zoom, bearing, pitch] = values as [number, number, number, number, number];
  return { lon, lat, zoom, bearing: ((((bearing + 180) % 360) + 360) % 360) - 180, pitch: Math.min(85, Math.max(0, pitch)) };
}

function between(values: number[], times: number[], k: number, at: number): number {
  const [a, b] = [values[k]!, values[k + 1]];
  const length = (times[k + 1] ?? 0) - times[k]!;
  if (b === undefined || length <= 0) return b !== undefined && at >= (times[k + 1] ?? 0) ? b : a;
  const speed = (i: number) => (i === 0 || i === values.length - 1 ? 0 : (values[i + 1]! - values[i - 1]!) / Math.max(1e-6, times[i + 1]! - times[i - 1]!));
  const t = (at - times[k]!) / length;
  const [t2, t3] = [t * t, t * t * t];
  return (2 * t3 - 3 * t2 + 1) * a + (t3 - 2 * t2 + t) * length * speed(k) + (-2 * t3 + 3 * t2) * b + (t3 - t2) * length * speed(k + 1);
}

/** Return the stop that a time belongs to: for those who want no motion the view jumps from stop to stop. */
export function stopAt(tour: Tour, seconds: number): Pose {
  const times = timesOf(tour);
  const reached = times.findLastIndex((time) => time <= seconds + 1e-6);
  return tour.stops[Math.max(0, reached) % tour.stops.length]!;
}

/** Return the compass bearing from one place to another, in degrees. */
export function bearingTo([lon1, lat1]: [number, number], [lon2, lat2]: [number, number]): number {
  const flat = Math.cos((((lat1 + lat2) / 2) * Math.PI) / 180);
  return (Math.atan2((lon2 - lon1) * flat, lat2 - lat1) * 180) / Math.PI;
}

/** Make stops along a line (degrees): at each corner, looking where it goes on, as fast as asked (metres a second). */
export function along(line: [number, number][], zoom: number, pitch: number, speed: number): Stop[] {
  const metres = (a: [number, number], b: [number, number]) =>
    Math.hypot((b[0] - a[0]) * 111_320 * Math.cos((a[1] * Math.PI) / 180), (b[1] - a[1]) * 111_320);
  const places = line.filter((place, i) => i === 0 || metres(line[i - 1]!, place) > 1);
  const step = Math.max(1, Math.ceil(places.length / MOST_STOPS));
  const chosen = places.filter((_, i) => i % step === 0 || i === places.length - 1).slice(0, MOST_STOPS);
  return chosen.map((place, i) => {
    const [from, to] = i === chosen.length - 1 ? [chosen[i - 1] ?? place, place] : [place, chosen[i + 1]!];
    const seconds = i === 0 ? USUAL_SECONDS : Math.max(0.5, metres(chosen[i - 1]!, place) / speed);
    return { lon: place[0], lat: place[1], zoom, bearing: bearingTo(from, to), pitch, seconds: Math.min(600, Number(seconds.toFixed(1))) };
  });
}

/** Write a tour for an address. */
export function encodeTour({ stops, loop }: Tour): string {
  const short = (value: number, digits: number) => String(Number(value.toFixed(digits)));
  return [loop ? "o" : "-", ...stops.map(({ lon, lat, zoom, bearing, pitch, seconds }) =>
    [short(lon, 6), short(lat, 6), short(zoom, 2), short(bearing, 1), short(pitch, 1), short(seconds, 1)].join(","))].join(";");
}

/** Read a tour from an address; null where it is none. */
export function decodeTour(text: string | null): Tour | null {
  const [kind, ...parts] = (text ?? "").split(";");
  if ((kind !== "o" && kind !== "-") || parts.length === 0 || parts.length > MOST_STOPS) return null;
  return readTour({ loop: kind === "o", stops: parts.map((part) => {
    const numbers = part.split(",");
    const [lon, lat, zoom, bearing, pitch, seconds] = numbers.map((number) => (FORM.test(number) ? Number(number) : NaN));
    return { lon, lat, zoom, bearing, pitch, seconds };
  }) });
}

/** Read a tour as a kept view has it; null where it is none. */
export function readTour(given: unknown): Tour | null {
  const tour = given as Tour | null | undefined;
  if (!tour || typeof tour !== "object" || !Array.isArray(tour.stops) || tour.stops.length === 0 || tour.stops.length > MOST_STOPS) return null;
  const sound = tour.stops.every((stop) => stop && typeof stop === "object" && [...NAMES, "seconds" as const].every((name) => Number.isFinite(stop[name]))
    && Math.abs(stop.lon) <= 180 && Math.abs(stop.lat) <= 85 && stop.zoom >= 0 && stop.zoom <= 24 && stop.pitch >= 0 && stop.pitch <= 85
    && stop.seconds > 0 && stop.seconds <= 600);
  return sound ? { stops: tour.stops, loop: tour.loop === true } : null;
}
