import type { Polygon } from "geojson";
import { describe, expect, it } from "vitest";
import { distanceM, eastOf, figureOf, POSITIONS } from "./figures";
import { areaM2 } from "./geometry";

const CENTRE = [116.39, 39.92];

describe("figures of plotting", () => {
  it("draws a circle of the radius that was typed", () => {
    const circle = figureOf("circle", [CENTRE, eastOf(CENTRE, 200)]) as Polygon;
    // a polygon of 72 sides has 99.87 % of the circle's area
    expect(areaM2(circle.coordinates[0]!) / (Math.PI * 200 * 200)).toBeCloseTo(0.9987, 2);
    expect(distanceM(CENTRE, eastOf(CENTRE, 200))).toBeCloseTo(200, 3);
  });

  it("sweeps a sector counter-clockwise from its second to its third position", () => {
    const quarter = figureOf("sector", [CENTRE, eastOf(CENTRE, 100), [CENTRE[0]!, CENTRE[1]! + 0.001]]) as Polygon;
    expect(areaM2(quarter.coordinates[0]!) / ((Math.PI * 100 * 100) / 4)).toBeCloseTo(1, 1);
    const rest = figureOf("sector", [CENTRE, [CENTRE[0]!, CENTRE[1]! + 0.000898], eastOf(CENTRE, 100)]) as Polygon;
    expect(areaM2(rest.coordinates[0]!) / areaM2(quarter.coordinates[0]!)).toBeCloseTo(3, 1);
  });

  it("ends an arrow at its last position", () => {
    const tip = [116.4, 39.925];
    const ways: Record<string, number[][]> = { arrow: [CENTRE, tip], attack: [CENTRE, [116.395, 39.926], tip] };
    for (const [kind, places] of Object.entries(ways)) {
      const ring = (figureOf(kind as "arrow", places) as Polygon).coordinates[0]!;
      expect(Math.min(...ring.map((place) => distanceM(place, tip)))).toBeLessThan(0.01);
      expect(ring[0]).toEqual(ring.at(-1));
    }
  });

  it("passes an assembly area through its positions", () => {
    const places = [CENTRE, [116.395, 39.921], [116.394, 39.925]];
    const ring = (figureOf("assembly", places) as Polygon).coordinates[0]!;
    for (const place of places) expect(Math.min(...ring.map((other) => distanceM(place, other)))).toBeLessThan(0.01);
  });

  it("waits for enough positions", () => {
    for (const [kind, [least]] of Object.entries(POSITIONS)) {
      expect(figureOf(kind as "line", Array.from({ length: least - 1 }, () => CENTRE))).toBeNull();
    }
  });
});
