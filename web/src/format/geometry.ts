import type { Geometry, Position } from "geojson";

export type Bounds = [number, number, number, number];

/** Visit every position of a geometry. */
export function eachPosition(geometry: Geometry, visit: (position: Position) => void): void {
  const walk = (coordinates: unknown): void => {
    if (!Array.isArray(coordinates)) return;
    if (typeof coordinates[0] === "number") visit(coordinates as Position);
    else coordinates.forEach(walk);
  };
  if (geometry.type === "GeometryCollection") geometry.geometries.forEach((part) => eachPosition(part, visit));
  else walk(geometry.coordinates);
}

/** Return (minx, miny, maxx, maxy) in degrees; null for an empty geometry. */
export function boundsOf(geometries: (Geometry | null | undefined)[]): Bounds | null {
  const bounds: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const geometry of geometries) {
    if (!geometry) continue;
    eachPosition(geometry, ([x, y]) => {
      bounds[0] = Math.min(bounds[0], x!);
      bounds[1] = Math.min(bounds[1], y!);
      bounds[2] = Math.max(bounds[2], x!);
      bounds[3] = Math.max(bounds[3], y!);
    });
  }
  return bounds[0] <= bounds[2] ? bounds : null;
}

const RADIUS_M = 6371008.8;
const RAD = Math.PI / 180;

/** Return the great-circle length of a line in metres (WGS 84 mean sphere: a preview, not a survey). */
export function lengthM(line: Position[]): number {
  let total = 0;
  for (let i = 1; i < line.length; i += 1) {
    const [x1, y1] = line[i - 1] as [number, number];
    const [x2, y2] = line[i] as [number, number];
    const h = Math.sin(((y2 - y1) * RAD) / 2) ** 2
      + Math.cos(y1 * RAD) * Math.cos(y2 * RAD) * Math.sin(((x2 - x1) * RAD) / 2) ** 2;
    total += 2 * RADIUS_M * Math.asin(Math.sqrt(h));
  }
  return total;
}

/** Return the area of a ring in square metres on the mean sphere (a preview, not a survey). */
export function areaM2(ring: Position[]): number {
  let total = 0;
  for (let i = 0; i < ring.length - 1; i += 1) {
    const [x1, y1] = ring[i] as [number, number];
    const [x2, y2] = ring[i + 1] as [number, number];
    total += (x2 - x1) * RAD * (2 + Math.sin(y1 * RAD) + Math.sin(y2 * RAD));
  }
  return Math.abs((total * RADIUS_M * RADIUS_M) / 2);
}

/** Return all positions of a geometry, in order. */
export function positionsOf(geometry: Geometry): Position[] {
  const found: Position[] = [];
  eachPosition(geometry, (position) => found.push(position));
  return found;
}
