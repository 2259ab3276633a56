/** Counting, adding up and selecting: every number on the screen is the server's. */
import type { Geometry } from "geojson";
import { address, askJson } from "./http";
import type { Text } from "./types";

export type Rule = "intersects" | "centroid" | "area_weighted" | "within";

/** Which part of the city, at which moment. */
export interface Where {
  bbox?: [number, number, number, number];
  area?: Geometry;
  features?: { layer: string; fids: number[] };
  buffer_m?: number;
  rule?: Rule;
  datetime?: string;
  known_at?: string;
}

export interface FieldTotal {
  count: number;
  sum: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  unit: string | null;
}

export interface Totals {
  count: number;
  features: number;
  area_m2?: number;
  length_m?: number;
  fields: Record<string, FieldTotal>;
}

export interface ClassTotal extends Totals {
  value: string | number | boolean | null;
  title?: Text;
  from?: number;
  to?: number;
}

export interface LayerTotals extends Totals {
  layer: string;
  by: string | null;
  edges?: number[];
  classes?: ClassTotal[];
  classes_left_out?: number;
  without_class?: number;
}

export interface LayerAsked {
  layer: string;
  by?: string;
  bins?: number;
  edges?: number[];
  fields?: string[];
  filter?: Record<string, unknown> | null;
}

interface How {
  rule: Rule;
  rule_means: Text;
  measured_in: string;
  area_m2?: number;
  area?: Geometry;
}

export interface Statistics extends How {
  layers: LayerTotals[];
}

export interface Selected extends How {
  layer: string;
  count: number;
  fids: number[];
  /** The name under which all of them are kept, for filters. */
  selection: string;
  /** How many are kept; fewer than there are where there are too many even for that. */
  kept: number;
}

/** Count and add up the features of some layers in a place. */
export function readStatistics(where: Where, layers: LayerAsked[], measure: boolean, signal?: AbortSignal): Promise<Statistics> {
  return askJson(address("api/statistics"), { method: "POST", body: { ...where, layers, measure }, signal });
}

/** Tell which features of a layer are in a place, and keep them all under a name. */
export function readSelection(
  where: Where, layer: string, filter: Record<string, unknown> | null, limit: number, signal?: AbortSignal,
): Promise<Selected> {
  return askJson(address("api/selection"), { method: "POST", body: { ...where, layer, limit, keep: true, ...(filter ? { filter } : {}) }, signal });
}
