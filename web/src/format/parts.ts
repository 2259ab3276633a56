/**
 * Take a geometry apart into what can be drawn one by one, and put it together again.
 *
 * Drawing tools know points, lines and polygons without holes. A hole is therefore drawn as a polygon of its own that
 * remembers which part it is a hole of.
 */
import type { Geometry, LineString, Point, Polygon, Position } from "geojson";
import type { GeometryType } from "../api/types";

export interface Part {
  geometry: Point | LineString | Polygon;
  /** Number of the part of a multi geometry. */
  part: number;
  hole: boolean;
}

/** What is drawn for a layer: points, lines or polygons. */
export function shapeOf(type: GeometryType): "point" | "linestring" | "polygon" {
  if (type.endsWith("Point")) return "point";
  return type.endsWith("LineString") ? "linestring" : "polygon";
}

function ringParts(rings: Position[][], part: number): Part[] {
  return rings.map((ring, index) => ({ geometry: { type: "Polygon", coordinates: [ring] }, part, hole: index > 0 }));
}

/** Take a geometry apart. */
export function takeApart(geometry: Geometry): Part[] {
  switch (geometry.type) {
    case "Point":
    case "LineString":
      return [{ geometry, part: 0, hole: false }];
    case "MultiPoint":
      return geometry.coordinates.map((coordinates, part) => ({ geometry: { type: "Point", coordinates }, part, hole: false }));
    case "MultiLineString":
      return geometry.coordinates.map((coordinates, part) =>
        ({ geometry: { type: "LineString", coordinates }, part, hole: false }));
    case "Polygon":
      return ringParts(geometry.coordinates, 0);
    case "MultiPolygon":
      return geometry.coordinates.flatMap((rings, part) => ringParts(rings, part));
    default:
      return [];
  }
}

/** Put parts together as the geometry type of a layer; null when there are none. */
export function putTogether(parts: Part[], type: GeometryType): Geometry | null {
  const solid = parts.filter((part) => !part.hole);
  if (solid.length === 0) return null;
  const shapes = solid.map(({ geometry, part }) => {
    if (geometry.type !== "Polygon") return geometry.coordinates;
    const holes = parts.filter((other) => other.hole && other.part === part);
    return [geometry.coordinates[0]!, ...holes.map((hole) => (hole.geometry as Polygon).coordinates[0]!)];
  });
  const single = solid[0]!.geometry.type;
  const wanted = type === "Geometry" ? (shapes.length === 1 ? single : `Multi${single}`) : type;
  // A layer of single shapes takes the last one that was drawn.
  const coordinates = wanted.startsWith("Multi") ? shapes : shapes.at(-1)!;
  return { type: wanted, coordinates } as Geometry;
}

/** Return a geometry as the type of a layer: one part becomes a multi geometry where the layer wants it. */
export function multiOf(geometry: Geometry, type: GeometryType): Geometry {
  if (!type.startsWith("Multi") || geometry.type === type || `Multi${geometry.type}` !== type) return geometry;
  return { type, coordinates: [(geometry as Polygon).coordinates] } as unknown as Geometry;
}
