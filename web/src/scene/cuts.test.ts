import { Cartesian3, type Cesium3DTileset, type ClippingPlaneCollection, type ClippingPolygonCollection, Intersect, Matrix4, Plane } from "@cesium/engine";
import { describe, expect, it } from "vitest";
import { type Cuttable, Cuts } from "./cuts";

const square = (lon: number) => Cartesian3.fromDegreesArray([lon, 39.9, lon + 0.001, 39.9, lon + 0.001, 39.901, lon, 39.901]);
const WALL = Plane.fromPointNormal(Cartesian3.fromDegrees(116.4, 39.9), Cartesian3.UNIT_X);

function scene() {
  const made = { frames: 0, globe: {} as Cuttable["globe"], requestRender: () => { made.frames += 1; } };
  return made;
}

function tileset() {
  return { clippingPlanesOriginMatrix: Matrix4.IDENTITY, isDestroyed: () => false } as unknown as Cesium3DTileset & { clippingPlanes?: ClippingPlaneCollection };
}

describe("cuts", () => {
  it("keep the pit of another when one is filled", () => {
    const on = scene();
    const cuts = new Cuts(on, () => false);
    const [one, two] = [cuts.dig(square(116.4)), cuts.dig(square(116.4005))];
    const pits: ClippingPolygonCollection = on.globe.clippingPolygons;
    expect([pits.length, pits.enabled]).toEqual([2, true]);
    one();
    one();
    expect([on.globe.clippingPolygons === pits, pits.length, pits.enabled]).toEqual([true, 1, true]);
    two();
    expect([pits.length, pits.enabled]).toEqual([0, false]);
    cuts.dig(square(116.4));
    expect([on.globe.clippingPolygons === pits, pits.length, pits.enabled]).toEqual([true, 1, true]);
  });

  it("take the last plane, and leave nothing of one that is gone", () => {
    const on = scene();
    const cuts = new Cuts(on, () => false);
    const [house, pipe] = [tileset(), tileset()];
    const first = cuts.slice(WALL, [house, pipe]);
    const second = cuts.slice(WALL, [house]);
    first();
    expect([on.globe.clippingPlanes.length, house.clippingPlanes?.length, pipe.clippingPlanes?.length]).toEqual([1, 1, 0]);
    second();
    expect([on.globe.clippingPlanes.length, on.globe.clippingPlanes.enabled, house.clippingPlanes?.length]).toEqual([0, false, 0]);
    expect(on.frames).toBe(3);
  });

  it("let no tile be whole for a pit where a plane cuts", () => {
    const on = scene();
    const cuts = new Cuts(on, () => false);
    cuts.dig(square(116.4));
    const asked = on.globe.clippingPolygons as unknown as { computeIntersectionWithBoundingVolume: (volume: object) => Intersect };
    const far = { rectangle: { west: 0.1, south: 0.1, east: 0.11, north: 0.11 } };
    expect(asked.computeIntersectionWithBoundingVolume(far)).toBe(Intersect.OUTSIDE);
    const mend = cuts.slice(WALL, []);
    expect(asked.computeIntersectionWithBoundingVolume(far)).toBe(Intersect.INTERSECTING);
    mend();
    expect(asked.computeIntersectionWithBoundingVolume(far)).toBe(Intersect.OUTSIDE);
  });

  it("touch nothing of a scene that is gone", () => {
    const on = scene();
    let gone = false;
    const fill = new Cuts(on, () => gone).dig(square(116.4));
    gone = true;
    fill();
    expect(on.globe.clippingPolygons.length).toBe(1);
  });
});
