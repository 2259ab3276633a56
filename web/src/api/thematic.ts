/** Classes of values and features gathered in cells: what thematic maps are drawn from. */
import { address, ask, askJson } from "./http";
import type { Text } from "./types";

export interface ValueAsked {
  field?: string;
  of?: { layer: string; measure: string; field?: string; filter?: Record<string, unknown> };
  per: string;
}

export interface Classified {
  edges: number[];
  counts: number[];
  no_data: number;
  features: number;
  mean: number | null;
  deviation: number | null;
  is_exact: boolean;
  /** The value of each feature, in the order of `fids`; null where there are too many to send. */
  fids: number[] | null;
  values: (number | null)[] | null;
  points?: [number, number][];
  /** Of zones, which tiles hold from a deeper level only. */
  shapes?: [number, GeoJSON.Geometry][];
  second?: Classified;
  matrix?: number[][];
}

export interface Gathered {
  total: number;
  cells: { center: [number, number]; count: number; classes: { value: string | null; count: number; title?: Text }[] }[];
}

interface When {
  datetime?: string;
  known_at?: string;
}

/** Divide a value of a layer's features (or two) into classes. */
export function readClassification(body: When & {
  layer: string; value: ValueAsked; second?: ValueAsked; method: string; classes: number; breaks?: number[]; filter?: Record<string, unknown>; points?: boolean; shapes?: boolean; bbox?: number[];
}, signal?: AbortSignal): Promise<Classified> {
  return askJson(address("api/classification"), { method: "POST", body, signal });
}

/** Gather features in cells; every one is in exactly one. */
export function readClusters(body: When & {
  layer: string; bbox: number[]; zoom: number; cell_px: number; by?: string; filter?: Record<string, unknown>;
}, signal?: AbortSignal): Promise<Gathered> {
  return askJson(address("api/clusters"), { method: "POST", body, signal });
}

export interface KeptTheme {
  id: number;
  layer: string;
  title: string;
  mine: boolean;
  owner: string | null;
  shared: boolean;
  theme: unknown;
}

/** Read the thematic styles that the reader keeps or others share. */
export async function readThemes(signal?: AbortSignal): Promise<KeptTheme[]> {
  return (await askJson<{ themes: KeptTheme[] }>(address("api/themes"), { signal })).themes;
}

/** Keep a thematic style of a layer; one of the same title is replaced. */
export function keepTheme(layer: string, title: string, theme: unknown, shared: boolean): Promise<KeptTheme> {
  return askJson(address("api/themes"), { method: "POST", body: { layer, title, theme, shared } });
}

/** Forget a thematic style. */
export async function forgetTheme(id: number): Promise<void> {
  await ask(address(`api/themes/${id}`), { method: "DELETE" });
}
