/** Colours of thematic maps: ramps that also those tell apart who see colours otherwise. */
import type { Layer } from "../api/types";

const RAMPS: Record<string, string[]> = {
  blue: ["#e8f1fa", "#b3cde3", "#74a9cf", "#2b8cbe", "#045a8d"],
  orange: ["#fef0d9", "#fdcc8a", "#fc8d59", "#e34a33", "#a50f15"],
  green: ["#edf8e9", "#bae4b3", "#74c476", "#31a354", "#00612c"],
  viridis: ["#fde725", "#5ec962", "#21918c", "#3b528b", "#440154"],
  diverging: ["#2166ac", "#92c5de", "#f2f2f2", "#f4a582", "#b2182b"],
};

export const PALETTES = Object.keys(RAMPS);
export const NO_DATA = "#b9bfc5";
/** Rows: the first value from low to high; columns: the second. */
export const BIVARIATE = [["#e8e8e8", "#ace4e4", "#5ac8c8"], ["#dfb0d6", "#a5add3", "#5698b9"], ["#be64ac", "#8c62aa", "#3b4994"]];

function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** Return so many colours of a ramp, from its first to its last. */
export function ramp(name: string, count: number): string[] {
  const stops = RAMPS[name] ?? RAMPS.blue!;
  return Array.from({ length: count }, (_, i) => {
    const at = count === 1 ? (stops.length - 1) / 2 : (i / (count - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const [a, b] = [channels(stops[low]!), channels(stops[low + 1]!)];
    return `#${a.map((value, c) => Math.round(value + (b[c]! - value) * (at - low)).toString(16).padStart(2, "0")).join("")}`;
  });
}

/** Return the class that a value is in: the last whose lower edge is not above it; null for no value. */
export function classOf(value: number | null | undefined, edges: number[]): number | null {
  if (value === null || value === undefined || edges.length < 2) return null;
  let found = 0;
  for (let i = 1; i < edges.length - 1; i += 1) if (value >= edges[i]!) found = i;
  return found;
}

const RADII = [4, 7, 10, 14, 18, 22, 26, 30, 34];

/** Return the radius of a class of graduated circles, in pixels. */
export function radiusOf(index: number): number {
  return RADII[Math.min(index, RADII.length - 1)]!;
}

const SLICES = ["#4e79a7", "#e1812c", "#59a14f", "#b07aa1", "#d4a72c", "#76b7b2", "#d37295", "#9c755f"];

/** Return the values of a field that slices are made of. */
export function valuesOf(layer: Layer, by: string | undefined): string[] {
  const field = layer.fields.find((each) => each.name === by);
  return field?.type === "boolean" ? ["true", "false"] : Object.keys(field?.codes ?? {});
}

/** Return the colours of a layer's classes: its own where it is drawn by the field. */
export function sliceColors(layer: Layer, by: string | undefined): (value: string | null) => string {
  const own = new Map(layer.symbology?.field === by ? (layer.symbology?.classes ?? []).map((each) => [String(each.value), each.color] as const) : []);
  const names = valuesOf(layer, by);
  return (value) => own.get(String(value)) ?? (value === null ? NO_DATA : SLICES[Math.max(0, names.indexOf(value)) % SLICES.length]!);
}
