/** Projects that grow on the map: each floor a slab that stands by its day, as the server says it; what should stand and does not as a violet ghost. */
import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from "maplibre-gl";
import type { Feature, FeatureCollection, MultiPolygon, Polygon } from "geojson";
import type { GrowingBuilding, ProgressState, ProjectProgress } from "../api/progress";
import { boundsOf } from "../format/geometry";
import { toMs } from "../format/instant";
import { standing } from "../format/programme";
import { GHOST_COLOR, MOST_FLOORS, STATE_COLORS } from "../state/construction";

const DAY_MS = 86_400_000;
const NEVER = 1e9;
const GAP_M = 0.3;
export const GROWN = ["growth-plot", "growth-edge", "growth-body", "growth-ghost"] as const;
// From this zoom on every building has a sign, before it every project.
const CLOSE = 15.5;

/** Count the days since 1970. */
export function dayNumber(day: string | null): number {
  return day === null ? NEVER : Math.floor(toMs(day) / DAY_MS);
}

/** Return the days that decide: the shown one, by which plans are asked, and the last one up to it that records can tell of. */
export function decisive(day: string, today: string): [number, number] {
  return [dayNumber(day), dayNumber(day < today ? day : today)];
}

function shapeOf({ geometry }: GrowingBuilding): Polygon | MultiPolygon | null {
  return geometry?.type === "Polygon" || geometry?.type === "MultiPolygon" ? geometry : null;
}

/** Return the buildings that are drawn, whole or not at all, up to the most floors that a map bears. */
function drawable(projects: ProjectProgress[]): { project: number; building: GrowingBuilding }[] {
  let floors = 0;
  return projects.flatMap((project) => (project.buildings ?? []).flatMap((building) => {
    if (!shapeOf(building) || floors + building.actual.length > MOST_FLOORS) return [];
    floors += building.actual.length;
    return [{ project: project.fid, building }];
  }));
}

/** Return every floor as an area with its heights, and since when it stands and should stand. */
export function floorsOf(projects: ProjectProgress[]): FeatureCollection {
  const features = drawable(projects).flatMap(({ project, building }) => {
    const geometry = shapeOf(building)!;
    const common = { project, fid: building.fid };
    const plot: Feature = { type: "Feature", geometry, properties: { ...common, kind: "plot" } };
    const floors = building.actual.map((actual, i): Feature => {
      const [low, high] = [building.bounds_m[i]!, building.bounds_m[i + 1]!];
      return { type: "Feature", geometry, properties: {
        ...common, kind: "floor", low, high: Math.max(high - GAP_M, low + 0.7 * (high - low)), actual: dayNumber(actual), planned: dayNumber(building.planned[i] ?? null),
      } };
    });
    return [plot, ...floors];
  });
  return { type: "FeatureCollection", features };
}

/** Return the buildings that stand here in the place of those in the tiles. */
export function grownOf(projects: ProjectProgress[]): number[] {
  return [...new Set(drawable(projects).map(({ building }) => building.fid))];
}

/** Count the floors of a day: those that stand, and those that should and do not. */
export function countFloors(projects: ProjectProgress[], day: string, today: string): { standing: number; ghosts: number } {
  const known = day < today ? day : today;
  const counts = { standing: 0, ghosts: 0 };
  for (const { building } of drawable(projects)) {
    building.actual.forEach((actual, i) => {
      const stands = actual !== null && actual <= known;
      const planned = building.planned[i] ?? null;
      if (stands) counts.standing += 1;
      else if (planned !== null && planned <= day) counts.ghosts += 1;
    });
  }
  return counts;
}

/** Return the signs of a day: floors over each building, and what is said of each project over its buildings. */
export function signsOf(projects: ProjectProgress[], day: string, today: string, saidOf: (project: number) => string): FeatureCollection {
  const known = day < today ? day : today;
  const buildings = drawable(projects);
  const place = (bounds: [number, number, number, number]) => [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2];
  const point = (coordinates: number[], properties: object): Feature => ({ type: "Feature", geometry: { type: "Point", coordinates }, properties: { ...properties } });
  return { type: "FeatureCollection", features: [
    ...projects.flatMap((project) => {
      const bounds = boundsOf(buildings.filter((each) => each.project === project.fid).map(({ building }) => building.geometry));
      return bounds ? [point(place(bounds), { kind: "project", project: project.fid, text: saidOf(project.fid) })] : [];
    }),
    ...buildings.flatMap(({ project, building }) => {
      const bounds = boundsOf([building.geometry]);
      const text = `${standing(building.actual, known)}/${standing(building.planned, day)}/${building.actual.length}`;
      return bounds ? [point(place(bounds), { kind: "building", project, fid: building.fid, text })] : [];
    }),
  ] };
}

const DAYS = ["array", "number", 2, ["global-state", "grown"]];
const STANDS = ["<=", ["get", "actual"], ["at", 1, DAYS]];
const IS_DUE = ["<=", ["get", "planned"], ["at", 0, DAYS]];
const IS_FLOOR = ["==", ["get", "kind"], "floor"];

/** Return the colour of what belongs to a project, by how it is. */
export function colorOf(states: Map<number, ProgressState>): ExpressionSpecification | string {
  if (states.size === 0) return STATE_COLORS.unknown;
  return ["match", ["get", "project"], ...[...states].flatMap(([fid, state]) => [fid, STATE_COLORS[state]]), STATE_COLORS.unknown] as unknown as ExpressionSpecification;
}

/** Return the style layers, from the ground up. */
export function layersOf(dark: boolean): LayerSpecification[] {
  const filter = (...parts: unknown[]) => (parts.length > 1 ? ["all", ...parts] : parts[0]) as FilterSpecification;
  const number = (name: string) => ["get", name] as unknown as ExpressionSpecification;
  const letters = { "text-color": dark ? "#eef2f5" : "#1d262e", "text-halo-color": dark ? "#15191d" : "#ffffff", "text-halo-width": 1.8 };
  return [
    { id: "growth-plot", type: "fill", source: "growth", filter: filter(["==", ["get", "kind"], "plot"]), paint: { "fill-color": STATE_COLORS.unknown, "fill-opacity": 0.22 } },
    {
      id: "growth-edge", type: "line", source: "growth", filter: filter(["==", ["get", "kind"], "plot"]),
      paint: { "line-color": STATE_COLORS.unknown, "line-width": 1.6, "line-dasharray": [3, 2] },
    },
    {
      id: "growth-body", type: "fill-extrusion", source: "growth", filter: filter(IS_FLOOR, STANDS),
      paint: { "fill-extrusion-color": STATE_COLORS.unknown, "fill-extrusion-base": number("low"), "fill-extrusion-height": number("high"), "fill-extrusion-opacity": 1 },
    },
    {
      id: "growth-ghost", type: "fill-extrusion", source: "growth", filter: filter(IS_FLOOR, ["!", STANDS], IS_DUE),
      paint: { "fill-extrusion-color": GHOST_COLOR, "fill-extrusion-base": number("low"), "fill-extrusion-height": number("high"), "fill-extrusion-opacity": 0.5 },
    },
    {
      id: "growth-floors", type: "symbol", source: "growth-signs", minzoom: CLOSE, filter: filter(["==", ["get", "kind"], "building"]),
      layout: { "text-field": number("text"), "text-size": 12 }, paint: letters,
    },
    {
      id: "growth-signs", type: "symbol", source: "growth-signs", maxzoom: CLOSE, filter: filter(["==", ["get", "kind"], "project"]),
      layout: { "text-field": number("text"), "text-size": 13, "text-max-width": 18, "text-allow-overlap": true }, paint: letters,
    },
  ];
}
