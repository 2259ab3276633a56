/** The tools of analysis: how many places each takes, which numbers, and how the server is asked. */
import { runProcess } from "../../api/process";
import type { Analysis, AnalysisTool, Spot } from "../../state/analysis";
import type { Ref } from "../../state/link";
import type { Result } from "./results";
import { type Shown, shownInputs } from "./shown";

interface NumberOption {
  name: string;
  fallback: number;
  min: number;
  max: number;
  step: number;
  unit: string;
}

interface Tool {
  process: string;
  /** Does light go over the curve of the earth? */
  isSight?: boolean;
  /** Places: so many are needed, so many are taken. */
  least: number;
  most: number;
  options: NumberOption[];
}

const EYE: NumberOption = { name: "eye_height_m", fallback: 1.6, min: 0, max: 1000, step: 0.1, unit: "m" };

export const TOOLS: Record<AnalysisTool, Tool> = {
  sightline: { process: "sightline", isSight: true, least: 2, most: 21, options: [EYE, { ...EYE, name: "target_height_m", fallback: 0 }] },
  viewshed: {
    process: "viewshed", isSight: true, least: 1, most: 1, options: [
      EYE,
      { name: "radius_m", fallback: 300, min: 10, max: 10_000, step: 50, unit: "m" },
      { name: "azimuth_deg", fallback: 0, min: 0, max: 360, step: 15, unit: "°" },
      { name: "field_deg", fallback: 360, min: 1, max: 360, step: 15, unit: "°" },
      { name: "lowest_deg", fallback: -90, min: -90, max: 89, step: 5, unit: "°" },
      { name: "highest_deg", fallback: 90, min: -89, max: 90, step: 5, unit: "°" },
    ],
  },
  skyline: { process: "skyline", isSight: true, least: 1, most: 1, options: [EYE, { name: "radius_m", fallback: 2000, min: 50, max: 10_000, step: 250, unit: "m" }] },
  section: { process: "section", least: 2, most: 50, options: [] },
  earthwork: {
    process: "earthwork", least: 3, most: 50, options: [
      { name: "depth_m", fallback: 0, min: 0, max: 200, step: 1, unit: "m" },
      { name: "level_m", fallback: Number.NaN, min: -500, max: 10_000, step: 1, unit: "m" },
      { name: "batter", fallback: 0, min: 0, max: 5, step: 0.1, unit: "" },
    ],
  },
  volume: { process: "solid-volume", least: 0, most: 0, options: [] },
};

/** A pit of this depth is begun with. */
export const FIRST_DEPTH_M = 6;

/** Return what an analysis begins with. */
export function begun(tool: AnalysisTool): Analysis {
  return { tool, points: [], options: tool === "earthwork" ? { depth_m: FIRST_DEPTH_M } : {} };
}

function position({ lon, lat, elevation }: Spot): number[] {
  return elevation === undefined ? [lon, lat] : [lon, lat, elevation];
}

/** Can the server be asked? */
export function isComplete({ tool, points }: Analysis, selected: Ref[]): boolean {
  return tool === "volume" ? selected.length > 0 : points.length >= TOOLS[tool].least;
}

/** Return the inputs of the process. */
export function inputsOf({ tool, points, options }: Analysis, shown: Shown, selected: Ref[]): Record<string, unknown> {
  const moment = shownInputs(shown, tool === "section" || tool === "earthwork");
  const numbers: Record<string, number | string | boolean> = TOOLS[tool].isSight ? { curvature: options.curvature !== 0 } : {};
  for (const { name, fallback } of TOOLS[tool].options) {
    const value = options[name] ?? fallback;
    if (!Number.isNaN(value)) numbers[name] = value;
  }
  if (tool === "skyline" && options.compare) numbers.compare = options.compare;
  const [first, ...others] = points.map(position);
  switch (tool) {
    case "sightline": return { observer: first, targets: others, ...numbers, ...moment };
    case "viewshed": case "skyline": return { observer: first, ...numbers, ...moment };
    case "section": return { line: points.map(({ lon, lat }) => [lon, lat]), ...moment };
    case "earthwork": {
      const ring = [...points, points[0]!].map(({ lon, lat }) => [lon, lat]);
      const { depth_m, level_m, batter } = numbers;
      const how = level_m !== undefined ? { level_m } : depth_m ? { depth_m } : {};
      return { area: { type: "Polygon", coordinates: [ring] }, ...how, ...(batter && Object.keys(how).length > 0 ? { batter } : {}), ...moment };
    }
    case "volume": return { layer: selected[0]!.layer, fids: selected.filter((ref) => ref.layer === selected[0]!.layer).map((ref) => ref.fid),
      ...shownInputs({ ...shown, layers: undefined, filters: {} }, false) };
  }
}

/** Ask the server. */
export async function analyse(analysis: Analysis, shown: Shown, selected: Ref[], signal: AbortSignal, told: (percent: number) => void): Promise<Result> {
  const found = await runProcess(TOOLS[analysis.tool].process, inputsOf(analysis, shown, selected), signal, told);
  return { tool: analysis.tool, found } as Result;
}
