/**
 * The short form of a view in the address.
 *
 *     #c=116.4,39.93,14,30,45&t=2015-06-01&k=812&l=-road,parcel,building.60&f=[...]&s=building.17,parcel.4&x=building&d=3
 *
 * c: longitude, latitude, zoom, then bearing and pitch when the map is turned; t: day, or two days of an interval; k: known
 * at; p: layers that keep a day of their own; l: layers switched on, off (-) and their opacity in percent; f: filters; s:
 * selection; x: layer of the open table; d: relief; b: what lies under the map; g: scene in three dimensions; a: analysis in it; m: comparison; w: place, charts and thematic maps; y: projects whose construction is watched; u: a flight. `v` alone is the short name of a view kept on the server.
 */
import { type Condition, fromShort, toShort } from "../format/condition";
import { isDay } from "../format/instant";
import { type Analysis, decodeAnalysis, encodeAnalysis } from "./analysis";
import { type Compare, decodeCompare, encodeCompare } from "./sides";
import { decodeTour, encodeTour, type Tour } from "./tour";
import { decodeWork, encodeWork, PLAIN_WORK, type Work } from "./work";

export interface Camera {
  lon: number;
  lat: number;
  zoom: number;
  bearing: number;
  pitch: number;
}

export interface Ref {
  layer: string;
  fid: number;
}

export interface LinkedView {
  camera: Camera | null;
  /** The day shown (null is today), or with `until` the half-open interval from it; `pinned` layers keep a day of their own. */
  time: { day: string | null; knownAt: string | null; until: string | null; pinned: Record<string, string> };
  layers: { shown: Record<string, boolean>; opacity: Record<string, number>; relief: boolean };
  filters: Record<string, Condition[]>;
  selection: Ref[];
  table: string | null;
  /** What lies under the map: paper, a picture from the air, or the shape of the ground. */
  ground: "paper" | "imagery" | "terrain";
  /** Is the city shown as a scene in three dimensions instead of a map? */
  scene: boolean;
  analysis: Analysis | null;
  compare: Compare | null;
  work: Work;
  /** The projects whose construction is watched. */
  watch: number[];
  /** A flight through the city. */
  tour: Tour | null;
}

export const BLANK: LinkedView = {
  camera: null,
  time: { day: null, knownAt: null, until: null, pinned: {} },
  layers: { shown: {}, opacity: {}, relief: false },
  filters: {},
  selection: [],
  table: null,
  ground: "paper",
  scene: false,
  analysis: null,
  compare: null,
  work: PLAIN_WORK,
  watch: [],
  tour: null,
};

// More would make an address that mail programs cut.
const MOST_SELECTED = 50;
const GROUNDS: LinkedView["ground"][] = ["imagery", "terrain"];
const NAME = /^[a-z][a-z0-9_]{0,47}$/;

function round(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** Write a view as the part of an address after `#`. */
export function encodeView(view: LinkedView): string {
  const parts: string[] = [];
  if (view.camera) {
    const { lon, lat, zoom, bearing, pitch } = view.camera;
    const camera = [round(lon, 5), round(lat, 5), round(zoom, 2)];
    if (Math.abs(bearing) > 0.05 || pitch > 0.05) camera.push(round(bearing, 1), round(pitch, 1));
    parts.push(`c=${camera.join(",")}`);
  }
  const { day, until, pinned } = view.time;
  if (day) parts.push(`t=${day}${until ? `/${until}` : ""}`);
  const pins = Object.entries(pinned).sort();
  if (pins.length > 0) parts.push(`p=${pins.map(([layer, own]) => `${layer}.${own}`).join(",")}`);
  if (view.time.knownAt) parts.push(`k=${encodeURIComponent(view.time.knownAt)}`);
  const names = [...new Set([...Object.keys(view.layers.shown), ...Object.keys(view.layers.opacity)])].sort();
  const layers = names.map((name) => {
    const sign = view.layers.shown[name] === false ? "-" : view.layers.shown[name] ? "" : "~";
    const opacity = view.layers.opacity[name];
    return `${sign}${name}${opacity === undefined ? "" : `.${Math.round(opacity * 100)}`}`;
  });
  if (layers.length > 0) parts.push(`l=${layers.join(",")}`);
  const filters = Object.entries(view.filters).filter(([, conditions]) => conditions.length > 0);
  if (filters.length > 0) {
    const short = filters.map(([layer, conditions]) => [layer, ...conditions.map(toShort)]);
    parts.push(`f=${encodeURIComponent(JSON.stringify(short))}`);
  }
  if (view.selection.length > 0) {
    parts.push(`s=${view.selection.slice(-MOST_SELECTED).map(({ layer, fid }) => `${layer}.${fid}`).join(",")}`);
  }
  if (view.table) parts.push(`x=${view.table}`);
  if (view.layers.relief) parts.push("d=3");
  if (view.ground !== "paper") parts.push(`b=${view.ground}`);
  if (view.scene) parts.push("g=1");
  if (view.analysis) parts.push(`a=${encodeURIComponent(encodeAnalysis(view.analysis))}`);
  if (view.compare) parts.push(`m=${encodeURIComponent(encodeCompare(view.compare))}`);
  const work = encodeWork(view.work);
  if (work) parts.push(`w=${encodeURIComponent(work)}`);
  if (view.watch.length > 0) parts.push(`y=${view.watch.join(",")}`);
  if (view.tour && view.tour.stops.length > 0) parts.push(`u=${encodeTour(view.tour)}`);
  return parts.join("&");
}

function decodeCamera(text: string | null): Camera | null {
  const numbers = (text ?? "").split(",").map(Number);
  const [lon, lat, zoom, bearing = 0, pitch = 0] = numbers;
  if (numbers.length < 3 || numbers.some((n) => !Number.isFinite(n))) return null;
  if (Math.abs(lon!) > 180 || Math.abs(lat!) > 85.06 || zoom! < 0 || zoom! > 24 || pitch < 0 || pitch > 85) return null;
  return { lon: lon!, lat: lat!, zoom: zoom!, bearing, pitch };
}

function decodeLayers(text: string | null): Pick<LinkedView["layers"], "shown" | "opacity"> {
  const shown: Record<string, boolean> = {};
  const opacity: Record<string, number> = {};
  for (const part of (text ?? "").split(",").filter(Boolean)) {
    const match = /^([-~]?)([a-z][a-z0-9_]*)(?:\.(\d{1,3}))?$/.exec(part);
    if (!match) continue;
    if (match[1] !== "~") shown[match[2]!] = match[1] !== "-";
    if (match[3]) opacity[match[2]!] = Math.min(100, Number(match[3])) / 100;
  }
  return { shown, opacity };
}

function decodeFilters(text: string | null): Record<string, Condition[]> {
  const filters: Record<string, Condition[]> = {};
  if (!text) return filters;
  let short: unknown;
  try {
    short = JSON.parse(text);
  } catch {
    return filters;
  }
  if (!Array.isArray(short)) return filters;
  for (const entry of short) {
    if (!Array.isArray(entry) || typeof entry[0] !== "string" || !NAME.test(entry[0])) continue;
    filters[entry[0]] = entry.slice(1).flatMap((short) => fromShort(short) ?? []);
  }
  return filters;
}

function decodePins(text: string | null): Record<string, string> {
  const pairs = (text ?? "").split(",").map((part) => part.split(".") as [string, string]);
  return Object.fromEntries(pairs.filter(([layer, day]) => NAME.test(layer) && isDay(day ?? "")));
}

/** Return the short name of a kept view that an address stands for; null where it spells its view out. */
export function keptName(hash: string): string | null {
  return /^#?v=([A-Za-z0-9]{10})$/.exec(hash)?.[1] ?? null;
}

/** Read a view from the part of an address after `#`; what cannot be read is left at its default. */
export function decodeView(hash: string): LinkedView {
  const parameters = new URLSearchParams(hash.replace(/^#/, "").replace(/\+/g, "%2B"));
  const [day = "", until = ""] = (parameters.get("t") ?? "").split("/");
  const knownAt = parameters.get("k");
  const table = parameters.get("x");
  return {
    camera: decodeCamera(parameters.get("c")),
    time: {
      day: isDay(day) ? day : null,
      until: isDay(day) && isDay(until) && day < until ? until : null,
      knownAt: knownAt && /^[0-9T:.Z+-]{1,40}$/.test(knownAt) ? knownAt : null,
      pinned: decodePins(parameters.get("p")),
    },
    layers: { ...decodeLayers(parameters.get("l")), relief: parameters.get("d") === "3" },
    filters: decodeFilters(parameters.get("f")),
    selection: (parameters.get("s") ?? "").split(",").flatMap((part) => {
      const match = /^([a-z][a-z0-9_]*)\.(\d{1,16})$/.exec(part);
      return match ? [{ layer: match[1]!, fid: Number(match[2]) }] : [];
    }),
    table: table && NAME.test(table) ? table : null,
    ground: GROUNDS.find((ground) => ground === parameters.get("b")) ?? "paper",
    scene: parameters.get("g") === "1",
    analysis: decodeAnalysis(parameters.get("a")),
    compare: decodeCompare(parameters.get("m")),
    work: decodeWork(parameters.get("w")),
    watch: (parameters.get("y") ?? "").split(",").filter((part) => /^[1-9]\d{0,15}$/.test(part)).map(Number).slice(0, 20),
    tour: decodeTour(parameters.get("u")),
  };
}
