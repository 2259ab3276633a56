/** What the server computes with a drawn geometry; results are those of the store. */
import type { Geometry, Position } from "geojson";
import { address, askJson } from "./http";

/** A geometry with its measures in the city's projected grid. */
export interface Made {
  geometry: Geometry;
  area_m2: number | null;
  length_m: number;
}

export interface Measures {
  geodesic_length_m: number;
  geodesic_area_m2: number | null;
  grid_length_m: number;
  grid_area_m2: number | null;
  ellipsoid: string;
  srid: number;
}

function post<T>(name: string, body: object, signal?: AbortSignal): Promise<T> {
  return askJson<T>(address(`api/geometry/${name}`), { method: "POST", body, signal });
}

/** Cut a geometry by a line; the pieces come largest first. Throws Problem 400 where nothing is cut. */
export async function splitGeometry(geometry: Geometry, line: Geometry): Promise<Made[]> {
  return (await post<{ parts: Made[] }>("split", { geometry, line })).parts;
}

/** Join geometries of one kind. */
export function mergeGeometries(geometries: Geometry[]): Promise<Made> {
  return post("merge", { geometries });
}

/** Let a line replace a part of the boundary. */
export function reshapeGeometry(geometry: Geometry, line: Geometry): Promise<Made> {
  return post("reshape", { geometry, line });
}

/** Cut a hole. */
export function cutHole(geometry: Geometry, area: Geometry): Promise<Made> {
  return post("hole", { geometry, area });
}

/** Fill the hole at a place; without a place all of them. */
export function fillHole(geometry: Geometry, place?: Geometry): Promise<Made> {
  return post("hole", place ? { geometry, place } : { geometry });
}

/** Move a geometry by metres to the east and north and turn it clockwise, in the projected system. */
export function moveGeometry(geometry: Geometry, eastM: number, northM: number, rotateDeg: number): Promise<Made> {
  return post("move", { geometry, east_m: eastM, north_m: northM, rotate_deg: rotateDeg });
}

/** Measure a geometry on the ellipsoid and in the grid. */
export function measureGeometry(geometry: Geometry, signal?: AbortSignal): Promise<Measures> {
  return post("measure", { geometry }, signal);
}

/** Express positions (x east, y north) in another of the city's systems. */
export async function toSystem(positions: Position[], source: number, target: number): Promise<Position[]> {
  if (source === target || positions.length === 0) return positions;
  return (await post<{ positions: Position[] }>("positions", { positions: positions.map(([x, y]) => [x, y]), source, target })).positions;
}
