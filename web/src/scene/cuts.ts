/**
 * What is cut out of the scene: pits in the ground, and one plane through everything. Whoever cuts says so here; the globe has one collection of each kind, and
 * these are put together.
 */
import {
  type Cartesian3, type CesiumWidget, type Cesium3DTileset, ClippingPlane, ClippingPlaneCollection, ClippingPolygon, ClippingPolygonCollection, Intersect, Matrix4, Plane,
} from "@cesium/engine";

const EDGE_WIDTH = 1.5;

/** A globe keeps one mark per tile for planes and polygons, and the polygons' word is the last: where a plane cuts as well, no tile may be said to be whole. */
class Pits extends ClippingPolygonCollection {
  isPlaneThere = false;

  computeIntersectionWithBoundingVolume(volume: object): Intersect {
    const own = Object.getPrototypeOf(Pits.prototype) as { computeIntersectionWithBoundingVolume: (volume: object) => Intersect };
    return this.isPlaneThere ? Intersect.INTERSECTING : own.computeIntersectionWithBoundingVolume.call(this, volume);
  }
}

/** The part of a scene that is cut. */
export interface Cuttable {
  globe: { clippingPlanes: ClippingPlaneCollection; clippingPolygons: ClippingPolygonCollection };
  requestRender: () => void;
}

export class Cuts {
  private readonly pits = new Pits({ polygons: [] });
  private readonly planes = new ClippingPlaneCollection({ edgeWidth: EDGE_WIDTH });
  private tilesets: Cesium3DTileset[] = [];
  private slices = 0;

  constructor(private readonly scene: Cuttable, private readonly isGone: () => boolean) {
    this.pits.enabled = false;
    this.planes.enabled = false;
  }

  /** Cut a pit with an outline; returns how to fill it. Of pits that overlap each stays until it is filled itself. */
  dig(outline: Cartesian3[]): () => void {
    const polygon = new ClippingPolygon({ positions: outline });
    this.scene.globe.clippingPolygons = this.pits;
    this.pits.add(polygon);
    this.tell();
    return () => {
      if (this.isGone() || !this.pits.contains(polygon)) return;
      this.pits.remove(polygon);
      this.tell();
    };
  }

  /** Cut all away that lies behind a plane, of the ground and of tilesets; the last plane counts. Returns how to make it whole again. */
  slice(plane: Plane, tilesets: Cesium3DTileset[]): () => void {
    this.mend();
    this.scene.globe.clippingPlanes = this.planes;
    this.planes.add(ClippingPlane.fromPlane(plane));
    this.slices += 1;
    const own = this.slices;
    this.tilesets = tilesets;
    for (const tileset of tilesets) {
      // Planes of a tileset are told in a frame of its own, which lies at its middle.
      const frame = (tileset as unknown as { clippingPlanesOriginMatrix: Matrix4 }).clippingPlanesOriginMatrix;
      const moved = Plane.transform(plane, Matrix4.inverseTransformation(frame, new Matrix4()));
      tileset.clippingPlanes = new ClippingPlaneCollection({ planes: [ClippingPlane.fromPlane(moved)], edgeWidth: EDGE_WIDTH });
    }
    this.tell();
    return () => {
      if (this.isGone() || own !== this.slices) return;
      this.mend();
      this.tell();
    };
  }

  private mend(): void {
    this.planes.removeAll();
    for (const tileset of this.tilesets) if (!tileset.isDestroyed()) tileset.clippingPlanes?.removeAll();
    this.tilesets = [];
  }

  /** What was cut in the last frame is drawn with a shader of cuts: with none left it needs to be told that they are off. */
  private tell(): void {
    this.pits.enabled = this.pits.length > 0;
    this.planes.enabled = this.planes.length > 0;
    this.pits.isPlaneThere = this.planes.enabled;
    this.scene.requestRender();
  }
}

const OF = new WeakMap<CesiumWidget, Cuts>();

/** Return the cuts of a widget's scene. */
export function cutsOf(widget: CesiumWidget): Cuts {
  const found = OF.get(widget) ?? new Cuts(widget.scene, () => widget.isDestroyed());
  OF.set(widget, found);
  return found;
}
