import { address, ask, askJson } from "./http";
import { fileByJob, type JobState } from "./jobs";
import type { ValueAsked } from "./thematic";

export interface Paper {
  paper: string;
  orientation: "portrait" | "landscape";
  width_mm: number;
  height_mm: number;
  map_width_mm: number;
  map_height_mm: number;
}

/** A thematic map with the classes that the screen shows. */
export interface PrintedTheme {
  layer: string;
  kind: string;
  value?: ValueAsked;
  second?: ValueAsked;
  breaks?: number[];
  second_breaks?: number[];
  colors?: string[];
  sizes?: number[];
  no_data?: string;
  by?: string;
  slices?: { value: string; color: string }[];
  filter?: Record<string, unknown>;
  datetime?: string;
}

export interface PrintWish {
  layers: { layer: string; filter?: Record<string, unknown>; datetime?: string; style?: string }[];
  imagery?: { layer: string; datetime?: string };
  themes?: PrintedTheme[];
  /** Layers of other services, the first one lowest. */
  outside?: { layer: string; opacity: number; over: boolean }[];
  scale: number;
  center?: [number, number];
  paper: string;
  orientation: "portrait" | "landscape";
  title: string;
  format: "pdf" | "png";
  datetime?: string;
  known_at?: string;
  grid: boolean;
  legend: boolean;
  seal: boolean;
  atlas?: { layer: string; fids: number[] };
}

/** Read which sheets there are and how large the map is on each. */
export async function readPapers(signal?: AbortSignal): Promise<{ papers: Paper[]; most_pages: number; scales: { minimum: number; maximum: number } }> {
  return askJson(address("api/print"), { signal });
}

/** Is a sheet so much to draw that a job makes it? */
export function isLarge(wish: PrintWish): boolean {
  return ["A2", "A1", "A0"].includes(wish.paper) || (wish.atlas?.fids.length ?? 0) > 4;
}

/** Have a large sheet made by a job; aborting stops it. */
export async function makeByJob(wish: PrintWish, told: (state: JobState) => void, signal: AbortSignal): Promise<{ file: Blob; name: string }> {
  return { file: await fileByJob("api/print", wish, told, signal), name: `map-${wish.paper}-${wish.scale}.${wish.format}` };
}

/** Have a sheet made; returns the file and its name. */
export async function makeSheet(wish: PrintWish, signal?: AbortSignal): Promise<{ file: Blob; name: string }> {
  const response = await ask(address("api/print"), { method: "POST", body: wish, signal, headers: { Accept: "application/pdf, image/png, application/json" } });
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { file: await response.blob(), name: name ?? `map.${wish.format}` };
}
