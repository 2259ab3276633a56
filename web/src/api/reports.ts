/** Reports of the map: one HTML file that stands alone. */
import { fileByJob, type JobState } from "./jobs";

export interface ReportWish {
  title: string;
  author: string;
  layers: { layer: string; filter?: Record<string, unknown>; datetime?: string; style?: string }[];
  bbox?: number[];
  datetime?: string;
  known_at?: string;
  base: "none" | "map" | "imagery";
  imagery?: string;
  tables: { layer: string; by: string; fields?: string[]; chart: boolean }[];
}

/** Have a report made by a job; aborting stops it. */
export function makeReport(wish: ReportWish, told: (state: JobState) => void, signal: AbortSignal): Promise<Blob> {
  return fileByJob("api/reports", wish, told, signal);
}
