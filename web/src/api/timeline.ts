import type { Geometry } from "geojson";
import { address, ask, askJson } from "./http";
import type { Box } from "./items";
import type { Properties } from "./types";

export interface Counts {
  built: number;
  ended: number;
  changed: number;
}

/** Count what begins, ends and changes by year, month or day in some layers and a box. */
export function countChanges(
  asked: { layers: string[]; box: Box; from: string; to: string; step: "year" | "month" | "day" }, signal?: AbortSignal,
): Promise<{ periods: ({ from: string } & Counts)[]; total: Counts }> {
  const { layers, box, ...rest } = asked;
  return askJson(address("api/changes/counts", { layers: layers.join(","), bbox: box.join(","), ...rest }), { signal });
}

export type ChangeKind = "built" | "ended" | "changed";

export interface Difference {
  fid: number;
  change: ChangeKind;
  before: Properties | null;
  after: Properties | null;
  place: [number, number] | null;
  geometry?: Geometry | null;
  /** Is its place or shape another? */
  moved?: boolean;
}

export interface ChangeList {
  differences: Difference[];
  counts: Counts;
  complete: boolean;
}

/** What a list of changes is asked for; `change` names the kinds that are listed, all where it is absent. */
export interface ChangesAsked {
  layer: string;
  from: string;
  to: string;
  box: Box;
  limit: number;
  change?: string;
}

/** Fetch the whole list as a file. Returns it and how many differences it has. */
export async function readChangeFile(asked: ChangesAsked, format: "csv" | "geojson", language: string): Promise<{ file: Blob; count: number }> {
  const { box, limit: _listed, ...rest } = asked;
  const response = await ask(address("api/diff", { ...rest, bbox: box.map((n) => n.toFixed(6)).join(","), f: format, lang: language }), { headers: { Accept: "*/*" } });
  return { file: await response.blob(), count: Number(response.headers.get("OGC-NumberReturned") ?? 0) };
}

/** Read what was built, ended and changed in a layer and a box between two days. */
export function readChangeList(asked: ChangesAsked, signal?: AbortSignal): Promise<ChangeList> {
  const { box, ...rest } = asked;
  return askJson(address("api/diff", { ...rest, bbox: box.map((n) => n.toFixed(6)).join(","), geometry: true }), { signal });
}

export interface LineageEvent {
  id: number;
  kind: string;
  at: string | null;
  seq: number;
  predecessors: { layer: string; fid: number }[];
  successors: { layer: string; fid: number }[];
}

/** Read the graph of what a feature came from and what became of it. */
export async function readLineage(layer: string, fid: number, signal?: AbortSignal): Promise<LineageEvent[]> {
  const answer = await askJson<{ events: LineageEvent[] }>(address(`ogc/collections/${layer}/items/${fid}/lineage`), { signal });
  return answer.events;
}
