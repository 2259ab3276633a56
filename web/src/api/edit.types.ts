/** What is written, and what a write answers. */
import type { Geometry } from "geojson";
import type { Properties } from "./types";

export interface Edit {
  layer: string;
  op: "create" | "put" | "correct" | "retire";
  fid?: number;
  temp_id?: string;
  properties?: Properties;
  /** Do fields that are not named stay as they are? Otherwise they become empty. */
  partial?: boolean;
  geometry?: Geometry | null;
  valid_from?: string;
  valid_to?: string;
  expected_version?: number;
}

/** A claim about identity; `fid` is a number, or `$temp_id` of an edit of the same changeset. */
export interface LineageClaim {
  kind: "split" | "merge";
  at: string;
  predecessors: { layer: string; fid: number | string }[];
  successors: { layer: string; fid: number | string }[];
}

export interface ChangesetRequest {
  edits: Edit[];
  lineage?: LineageClaim[];
  reason: string;
  source?: { document: string };
}

export interface Applied {
  seq: number;
  recorded_at: string;
  fids: number[];
  versions: number[];
  temp_ids: Record<string, number>;
}

export interface Fault {
  code: string;
  message: string;
  row: number | null;
  layer: string | null;
  fid: number | null;
  field: string | null;
  place: [number, number] | null;
}
