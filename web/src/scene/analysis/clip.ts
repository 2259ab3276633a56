/** A vertical plane that cuts buildings, pipes and the ground away on one side of a line. */
import { Cartesian3, type CesiumWidget, Ellipsoid, Plane } from "@cesium/engine";
import type { Spot } from "../../state/analysis";
import { cutsOf } from "../cuts";
import type { Standing } from "../tilesets";

/** Return the plane through the first and the last of some places, moved to the left; its normal points to a side (1: left). */
function planeThrough(points: Spot[], side: 1 | -1, offset_m: number): Plane {
  const [a, b] = [points[0]!, points.at(-1)!];
  const at = Cartesian3.fromDegrees((a.lon + b.lon) / 2, (a.lat + b.lat) / 2);
  const up = Ellipsoid.WGS84.geodeticSurfaceNormal(at, new Cartesian3());
  const along = Cartesian3.subtract(Cartesian3.fromDegrees(b.lon, b.lat), Cartesian3.fromDegrees(a.lon, a.lat), new Cartesian3());
  const across = Cartesian3.normalize(Cartesian3.cross(up, along, new Cartesian3()), new Cartesian3());
  const moved = Cartesian3.add(at, Cartesian3.multiplyByScalar(across, offset_m, new Cartesian3()), new Cartesian3());
  return Plane.fromPointNormal(moved, Cartesian3.multiplyByScalar(across, side, new Cartesian3()));
}

/** Cut the scene by a plane; returns how to make it whole again. */
export function cutScene(widget: CesiumWidget, standing: Standing[], points: Spot[], side: 1 | -1, offset_m: number): () => void {
  // What is behind a plane, seen along its normal, is cut away: the left of a line lies where `across` points to.
  return cutsOf(widget).slice(planeThrough(points, side === 1 ? -1 : 1, offset_m), standing.map(({ tileset }) => tileset));
}
