/** Positions as people type them, one a line. */
import type { Geometry, Polygon, Position } from "geojson";
import type { GeometryType } from "../api/types";
import { putTogether, shapeOf, takeApart } from "./parts";

/** Read positions; returns the number of the first line that is none. Commas, semicolons (also full-width), tabs and blanks divide. */
export function readPositions(text: string): Position[] | number {
  const positions: Position[] = [];
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]!.trim();
    if (!line) continue;
    const words = line.split(/[\s,;，；、]+/).filter(Boolean);
    const numbers = words.map(Number);
    if (numbers.length !== 2 || numbers.some((number) => !Number.isFinite(number))) return index + 1;
    positions.push([numbers[0]!, numbers[1]!]);
  }
  return positions;
}

/** Return the positions of the first part, of an area those of its outer boundary without the closing one. */
export function firstPositions(geometry: Geometry | null): Position[] {
  const part = geometry && takeApart(geometry)[0];
  if (!part) return [];
  if (part.geometry.type === "Point") return [part.geometry.coordinates];
  return part.geometry.type === "Polygon" ? part.geometry.coordinates[0]!.slice(0, -1) : part.geometry.coordinates;
}

/** Return a geometry whose first part has other positions; holes and other parts stay. */
export function withPositions(geometry: Geometry | null, positions: Position[], type: GeometryType): Geometry {
  const shape = shapeOf(type);
  const closed = [...positions, positions[0]!];
  const drawn = shape === "point" ? { type: "Point" as const, coordinates: positions[0]! }
    : shape === "linestring" ? { type: "LineString" as const, coordinates: positions }
      : { type: "Polygon" as const, coordinates: [closed] } as Polygon;
  const parts = geometry ? takeApart(geometry) : [];
  const first = { geometry: drawn, part: parts[0]?.part ?? 0, hole: false };
  return putTogether([first, ...parts.slice(1)], type)!;
}
