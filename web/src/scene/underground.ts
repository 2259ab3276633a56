/** Looking below the ground: a translucent surface, and a pit that is cut into it. */
import {
  Cartesian3, Cartographic, type CesiumWidget, Color, ColorGeometryInstanceAttribute, GeometryInstance, Math as Angles, NearFarScalar,
  PerInstanceColorAppearance, PolygonGeometry, PolygonHierarchy, Primitive, PrimitiveCollection, WallGeometry,
} from "@cesium/engine";
import { cutsOf } from "./cuts";

const DEPTH_M = 12;
const HALF_M = { east: 70, north: 50 };

/** Let one see through the ground, or not. */
export function seeThrough(widget: CesiumWidget, on: boolean): void {
  const { globe, screenSpaceCameraController } = widget.scene;
  globe.translucency.enabled = on;
  globe.translucency.frontFaceAlphaByDistance = new NearFarScalar(300, 0.18, 4000, 0.5);
  globe.translucency.backFaceAlpha = 0.2;
  // The camera may go below as well.
  screenSpaceCameraController.enableCollisionDetection = !on;
  widget.scene.requestRender();
}

/** Cut a pit around a place (degrees); returns how to fill it again. */
export function dig(widget: CesiumWidget, lon: number, lat: number): () => void {
  const { globe, primitives } = widget.scene;
  const ground = globe.getHeight(Cartographic.fromDegrees(lon, lat)) ?? 0;
  const dLat = HALF_M.north / 111_320;
  const dLon = HALF_M.east / (111_320 * Math.cos(Angles.toRadians(lat)));
  const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => [lon + x! * dLon, lat + y! * dLat] as const);
  const flat = corners.flatMap(([x, y]) => [x, y]);
  const ring = [...corners, corners[0]!];
  const fill = cutsOf(widget).dig(Cartesian3.fromDegreesArray(flat));
  const bottom = ground - DEPTH_M;
  const appearance = new PerInstanceColorAppearance({ flat: true, translucent: false, closed: false });
  const wall = new GeometryInstance({
    geometry: new WallGeometry({
      positions: Cartesian3.fromDegreesArrayHeights(ring.flatMap(([x, y]) => [x, y, ground])),
      minimumHeights: ring.map(() => bottom),
      maximumHeights: ring.map(([x, y]) => globe.getHeight(Cartographic.fromDegrees(x, y)) ?? ground),
      vertexFormat: PerInstanceColorAppearance.FLAT_VERTEX_FORMAT,
    }),
    attributes: { color: ColorGeometryInstanceAttribute.fromColor(Color.fromCssColorString("#9c8466")) },
  });
  const floor = new GeometryInstance({
    geometry: new PolygonGeometry({
      polygonHierarchy: new PolygonHierarchy(Cartesian3.fromDegreesArray(flat)), height: bottom,
      vertexFormat: PerInstanceColorAppearance.FLAT_VERTEX_FORMAT,
    }),
    attributes: { color: ColorGeometryInstanceAttribute.fromColor(Color.fromCssColorString("#7d6950")) },
  });
  const pit = new PrimitiveCollection();
  pit.add(new Primitive({ geometryInstances: [wall, floor], appearance, asynchronous: false }));
  primitives.add(pit);
  widget.scene.requestRender();
  return () => {
    if (widget.isDestroyed()) return;
    primitives.remove(pit);
    fill();
    widget.scene.requestRender();
  };
}
