import { address, ask, askJson } from "./http";

export interface Paper {
  paper: string;
  orientation: "portrait" | "landscape";
  width_mm: number;
  height_mm: number;
  map_width_mm: number;
  map_height_mm: number;
}

export interface PrintWish {
  layers: { layer: string; filter?: Record<string, unknown>; datetime?: string }[];
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

/** Have a sheet made; returns the file and its name. */
export async function makeSheet(wish: PrintWish, signal?: AbortSignal): Promise<{ file: Blob; name: string }> {
  const response = await ask(address("api/print"), { method: "POST", body: wish, signal, headers: { Accept: "application/pdf, image/png, application/json" } });
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { file: await response.blob(), name: name ?? `map.${wish.format}` };
}
