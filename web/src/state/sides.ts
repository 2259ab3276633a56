/** The sides of a comparison beside the map itself: each has its own day, layers and filters. */
import type { Condition } from "../format/condition";
import { isDay } from "../format/instant";

export type CompareMode = "swipe" | "split" | "spyglass";

export interface SideCamera {
  lon: number;
  lat: number;
  zoom: number;
  bearing: number;
  pitch: number;
}

export interface Side {
  day: string | null;
  shown: Record<string, boolean>;
  opacity: Record<string, number>;
  filters: Record<string, Condition[]>;
  /** The layers of other services that it shows, of those in the view; null: those that the main map shows. */
  outside: string[] | null;
  /** The styles that its layers are drawn in; null: those of the main map. */
  styles: Record<string, string> | null;
  /** What lies under it; null: what lies under the main map. */
  ground: "paper" | "imagery" | "terrain" | null;
  /** Does it show the thematic maps, for its own day? */
  themed: boolean;
  /** Where it looks when it goes its own way. */
  camera: SideCamera | null;
}

export interface Compare {
  mode: CompareMode;
  /** One for swipe and spyglass, one to three for split. */
  sides: Side[];
  /** Do all sides look at the same place? */
  linked: boolean;
  /** Where the divider of the swipe stands, 0 to 1 from the left. */
  at: number;
}

export const PLAIN_SIDE: Side = { day: null, shown: {}, opacity: {}, filters: {}, outside: null, styles: null, ground: null, themed: true, camera: null };
export const MOST_SIDES = 3;

const OUTSIDE = /^out_[0-9a-f]{20}$/;
const NAME = /^[a-z][a-z0-9_]{0,47}$/;

/** Write a comparison for an address. */
export function encodeCompare(compare: Compare): string {
  return JSON.stringify({ ...compare, at: Number(compare.at.toFixed(3)) });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readCamera(value: unknown): SideCamera | null {
  if (!isRecord(value)) return null;
  const { lon, lat, zoom, bearing = 0, pitch = 0 } = value as Record<string, number>;
  const camera = { lon, lat, zoom, bearing, pitch } as SideCamera;
  return Object.values(camera).every(Number.isFinite) && Math.abs(camera.lat) <= 85 ? camera : null;
}

function readSide(value: unknown): Side {
  const side = isRecord(value) ? value : {};
  const pairs = (name: string, kind: string) => Object.fromEntries(
    Object.entries(isRecord(side[name]) ? side[name] : {}).filter(([, each]) => typeof each === kind));
  return {
    day: typeof side.day === "string" && isDay(side.day) ? side.day : null,
    shown: pairs("shown", "boolean") as Record<string, boolean>,
    opacity: pairs("opacity", "number") as Record<string, number>,
    filters: Object.fromEntries(Object.entries(isRecord(side.filters) ? side.filters : {}).filter(([, each]) => Array.isArray(each))) as Side["filters"],
    outside: Array.isArray(side.outside) ? side.outside.filter((each): each is string => typeof each === "string" && OUTSIDE.test(each)) : null,
    styles: isRecord(side.styles)
      ? Object.fromEntries(Object.entries(side.styles).filter((pair): pair is [string, string] => NAME.test(pair[0]) && typeof pair[1] === "string" && NAME.test(pair[1]))) : null,
    ground: ["paper", "imagery", "terrain"].includes(String(side.ground)) ? side.ground as Side["ground"] : null,
    themed: side.themed !== false,
    camera: readCamera(side.camera),
  };
}

/** Read a comparison; null for what is none. */
export function readCompare(value: unknown): Compare | null {
  if (!isRecord(value) || !["swipe", "split", "spyglass"].includes(String(value.mode))) return null;
  if (!Array.isArray(value.sides) || value.sides.length === 0) return null;
  const mode = value.mode as CompareMode;
  const at = typeof value.at === "number" ? Math.min(1, Math.max(0, value.at)) : 0.5;
  return { mode, sides: value.sides.slice(0, mode === "split" ? MOST_SIDES : 1).map(readSide), linked: value.linked !== false, at };
}

/** Read a comparison from an address. */
export function decodeCompare(text: string | null): Compare | null {
  if (!text) return null;
  try {
    return readCompare(JSON.parse(text));
  } catch {
    return null;
  }
}
