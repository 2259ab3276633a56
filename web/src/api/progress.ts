import type { Geometry } from "geojson";
import { address, askJson } from "./http";

export type ProgressState = "ahead" | "on_time" | "late" | "unknown";
export type Point = [day: string, percent: number];

/** A building of a project: where its floors begin and end (m above its ground), and since when each stands, from below. */
export interface GrowingBuilding {
  fid: number;
  label: string;
  /** The ground, in metres over the ellipsoid. */
  base_m: number;
  bounds_m: number[];
  levels: (number | null)[] | null;
  planned: (string | null)[];
  actual: (string | null)[];
  geometry: Geometry | null;
}

export interface ProjectProgress {
  fid: number;
  label: string;
  stage: string | null;
  planned_percent: number | null;
  actual_percent: number | null;
  /** The day whose plan and fact are compared: that of the last record, as long as the next is not due. */
  compared_on: string;
  points: number | null;
  /** So many days before its planned day; after it, where it is below 0. */
  days: number | null;
  state: ProgressState;
  basis: Record<"planned" | "actual", "records" | "milestones" | "project" | "none">;
  recorded_until: string | null;
  milestones: { count: number; planned: number; done: number };
  floors: { count: number; planned: number; standing: number };
  curves: { planned: Point[]; actual: Point[] };
  buildings?: GrowingBuilding[];
  buildings_left_out?: number;
}

export interface Progress {
  day: string;
  today: string;
  rule: { zh: string; en: string };
  matched: number;
  complete: boolean;
  /** How many of the numbers asked for are gone, or not for this reader. */
  not_shown: number;
  projects: ProjectProgress[];
}

interface Asked {
  project?: number[];
  bbox?: number[];
  datetime?: string;
  knownAt?: string;
  buildings?: boolean;
  limit?: number;
}

/** Ask how projects should be and how they are on a day. */
export function readProgress({ project, bbox, datetime, knownAt, buildings, limit }: Asked, signal?: AbortSignal): Promise<Progress> {
  return askJson<Progress>(address("api/progress", {
    project: project?.join(","), bbox: bbox?.map((degrees) => degrees.toFixed(6)).join(","), datetime, "known-at": knownAt, buildings, limit,
  }), { signal });
}
