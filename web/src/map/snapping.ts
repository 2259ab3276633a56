import type { Map as MapLibre } from "maplibre-gl";
import type { Position } from "geojson";
import { eachPosition } from "../format/geometry";

const REACH_PX = 10;

/** Return the vertex of a visible feature nearest to a position, if one is within reach. */
export function nearestVertex(map: MapLibre, at: { lng: number; lat: number }): Position | undefined {
  const point = map.project([at.lng, at.lat]);
  const box: [[number, number], [number, number]] = [
    [point.x - REACH_PX, point.y - REACH_PX], [point.x + REACH_PX, point.y + REACH_PX],
  ];
  let nearest: Position | undefined;
  let least = REACH_PX;
  for (const feature of map.queryRenderedFeatures(box)) {
    // What is being drawn lies there too; a shape must not cling to itself.
    if (!feature.sourceLayer || feature.geometry.type === "GeometryCollection") continue;
    eachPosition(feature.geometry, (position) => {
      const other = map.project([position[0]!, position[1]!]);
      const distance = Math.hypot(other.x - point.x, other.y - point.y);
      if (distance < least) [least, nearest] = [distance, [position[0]!, position[1]!]];
    });
  }
  return nearest?.map((value) => Number(value.toFixed(9)));
}
