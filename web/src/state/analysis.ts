/** An analysis in three dimensions: which tool, on which places, with which numbers. It is a part of the view, and so of its link. */
import { create } from "zustand";
import { isDay } from "../format/instant";

export const ANALYSIS_TOOLS = ["sightline", "viewshed", "skyline", "section", "earthwork", "volume"] as const;
export type AnalysisTool = (typeof ANALYSIS_TOOLS)[number];

/** A place that was clicked; `elevation` (metres over the city's datum) where it was on a building. */
export interface Spot {
  lon: number;
  lat: number;
  elevation?: number;
}

export interface Analysis {
  tool: AnalysisTool;
  points: Spot[];
  /** Numbers by name, and a day to compare with. */
  options: Record<string, number | string>;
}

export const MOST_POINTS = 50;
const NAME = /^[a-z_]{1,24}$/;

/** Write an analysis for a link. */
export function encodeAnalysis({ tool, points, options }: Analysis): string {
  const places = points.map(({ lon, lat, elevation }) => [Number(lon.toFixed(7)), Number(lat.toFixed(7)), ...(elevation === undefined ? [] : [Number(elevation.toFixed(2))])]);
  return JSON.stringify([tool, places, ...(Object.keys(options).length > 0 ? [options] : [])]);
}

function spotOf(given: unknown): Spot | null {
  if (!Array.isArray(given) || given.length < 2 || given.length > 3 || !given.every((n) => typeof n === "number" && Number.isFinite(n))) return null;
  const [lon, lat, elevation] = given as [number, number, number?];
  if (Math.abs(lon) > 180 || Math.abs(lat) > 85.06) return null;
  return elevation === undefined ? { lon, lat } : { lon, lat, elevation };
}

/** Read an analysis from a link; null where there is none that can be read. */
export function decodeAnalysis(text: string | null): Analysis | null {
  if (!text) return null;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return null;
  }
  const [name, places, said] = Array.isArray(given) ? (given as unknown[]) : [];
  const tool = ANALYSIS_TOOLS.find((each) => each === name);
  if (!tool || !Array.isArray(places)) return null;
  const points = places.slice(0, MOST_POINTS).map(spotOf);
  if (points.includes(null)) return null;
  const options = Object.entries(said && typeof said === "object" ? said : {}).filter(([key, value]) => NAME.test(key)
    && ((typeof value === "number" && Number.isFinite(value)) || (key === "compare" && typeof value === "string" && isDay(value))));
  return { tool, points: points as Spot[], options: Object.fromEntries(options) as Analysis["options"] };
}

interface Analysing {
  /** Is the card of analyses open? */
  open: boolean;
  /** How far the server is with a job, in percent; null while there is none. */
  progress: number | null;
  /** Which side of a section is cut away, and how far the plane was moved, in metres; null: nothing is cut. */
  cut: { side: 1 | -1; offset_m: number } | null;
}

export const useAnalysing = create<Analysing>()(() => ({ open: false, progress: null, cut: null }));
