import { describe, expect, it } from "vitest";
import { nearest } from "./snapping";

// A thousand pixels to the degree, north up.
const project = ([x, y]: number[]) => ({ x: x! * 1000, y: -y! * 1000 });
const SQUARE = { type: "Polygon" as const, coordinates: [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]] };
const WAY = { type: "MultiLineString" as const, coordinates: [[[2, 0], [3, 1]]] };
const PLACE = { type: "MultiPoint" as const, coordinates: [[5, 5]] };

describe("snapping", () => {
  it("takes a vertex within reach before an edge that is nearer", () => {
    expect(nearest([SQUARE], [0.006, 0.001], project)).toEqual([0, 0]);
  });

  it("takes the place on an edge where no vertex is within reach", () => {
    expect(nearest([SQUARE], [0.5, 0.004], project)).toEqual([0.5, 0]);
    const [x, y] = nearest([WAY], [2.5, 0.505], project)!;
    expect(x).toBeCloseTo(y! + 2, 9);
  });

  it("takes points, and the nearest of several features", () => {
    expect(nearest([SQUARE, PLACE], [5.003, 5.004], project)).toEqual([5, 5]);
    expect(nearest([SQUARE, { ...SQUARE, coordinates: [[[1.012, 0], [2, 0], [2, 1], [1.012, 0]]] }], [1.008, 0], project)).toEqual([1.012, 0]);
  });

  it("leaves alone what is out of reach", () => {
    expect(nearest([SQUARE, WAY, PLACE], [0.5, 0.5], project)).toBeUndefined();
  });
});
