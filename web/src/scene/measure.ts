/** Measuring in three dimensions: slant, level and vertical distance between two points that were hit. */
import { Cartesian3, Cartographic, type CesiumWidget, Color, EllipsoidGeodesic, Material, PointPrimitiveCollection, PolylineCollection } from "@cesium/engine";

export interface Measured {
  slant_m: number;
  level_m: number;
  rise_m: number;
}

/** Return the distances between two places on the globe. */
export function between(a: Cartesian3, b: Cartesian3): Measured {
  const from = Cartographic.fromCartesian(a);
  const to = Cartographic.fromCartesian(b);
  return { slant_m: Cartesian3.distance(a, b), level_m: new EllipsoidGeodesic(from, to).surfaceDistance, rise_m: to.height - from.height };
}

/** A measurement on the scene: points are added one by one, the third begins anew. */
export function measuring(widget: CesiumWidget, tell: (measured: Measured | null, points: number) => void) {
  const { primitives } = widget.scene;
  const points = primitives.add(new PointPrimitiveCollection()) as PointPrimitiveCollection;
  const lines = primitives.add(new PolylineCollection()) as PolylineCollection;
  const near = Number.POSITIVE_INFINITY;
  let places: Cartesian3[] = [];
  const draw = () => {
    points.removeAll();
    lines.removeAll();
    for (const position of places) {
      points.add({ position, pixelSize: 9, color: Color.WHITE, outlineColor: Color.fromCssColorString("#d4380d"), outlineWidth: 3, disableDepthTestDistance: near });
    }
    const [a, b] = places;
    if (a && b) {
      const low = Cartographic.fromCartesian(a);
      const high = Cartographic.fromCartesian(b);
      const corner = Cartesian3.fromRadians(high.longitude, high.latitude, low.height);
      const material = (css: string) => Material.fromType("Color", { color: Color.fromCssColorString(css) });
      lines.add({ positions: [a, b], width: 3, material: material("#d4380d") });
      lines.add({ positions: [a, corner, b], width: 2, material: material("#8c8c8c") });
    }
    tell(a && b ? between(a, b) : null, places.length);
    widget.scene.requestRender();
  };
  return {
    add: (place: Cartesian3) => {
      places = places.length >= 2 ? [place] : [...places, place];
      draw();
    },
    stop: () => {
      if (widget.isDestroyed()) return;
      primitives.remove(points);
      primitives.remove(lines);
      widget.scene.requestRender();
    },
  };
}
