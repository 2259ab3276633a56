import { describe, expect, it } from "vitest";
import { along, bearingTo, decodeTour, encodeTour, lengthOf, poseAt, readTour, stopAt, timesOf, type Tour } from "./tour";

const stop = (lon: number, bearing: number, seconds = 4) => ({ lon, lat: 39.9, zoom: 16, bearing, pitch: 60, seconds });
const TOUR: Tour = { stops: [stop(116, 170), stop(116.1, -170, 5), stop(116.3, -90, 10)], loop: false };

describe("a tour", () => {
  it("is at each stop exactly there, and lasts as long as its ways", () => {
    expect(lengthOf(TOUR)).toBe(15);
    expect(timesOf({ ...TOUR, loop: true })).toEqual([0, 5, 15, 19]);
    for (const [i, time] of timesOf(TOUR).entries()) {
      const { lon, lat, bearing } = poseAt(TOUR, time);
      expect([lon, lat, bearing].map((v) => Number(v.toFixed(9)))).toEqual([TOUR.stops[i]!.lon, 39.9, TOUR.stops[i]!.bearing]);
    }
    expect(poseAt({ ...TOUR, loop: true }, 19).lon).toBeCloseTo(116, 9);
    expect(poseAt(TOUR, 99)).toMatchObject({ lon: 116.3 });
  });

  it("begins softly, and turns the short way round", () => {
    const early = poseAt(TOUR, 0.05).lon - 116;
    const later = poseAt(TOUR, 2.55).lon - poseAt(TOUR, 2.5).lon;
    expect(early).toBeGreaterThan(0);
    expect(early).toBeLessThan(later / 5);
    // From 170 over 180 to -170, never through north.
    for (let t = 0; t <= 5; t += 0.5) expect(Math.abs(poseAt(TOUR, t).bearing)).toBeGreaterThan(150);
  });

  it("moves without a jump over its stops", () => {
    const speed = (t: number) => (poseAt(TOUR, t + 1e-4).lon - poseAt(TOUR, t).lon) / 1e-4;
    expect(speed(5 - 2e-4)).toBeCloseTo(speed(5), 4);
    // The speed of the straight way between its neighbours: 0.3 degrees in 15 s.
    expect(speed(5)).toBeCloseTo(0.02, 5);
  });

  it("jumps from stop to stop for those who want no motion", () => {
    expect([0, 4.9, 5, 14.9, 15].map((t) => stopAt(TOUR, t).lon)).toEqual([116, 116, 116.1, 116.1, 116.3]);
  });

  it("goes through an address and a kept view unchanged, and nothing else does", () => {
    expect(decodeTour(encodeTour(TOUR))).toEqual(TOUR);
    expect(readTour(JSON.parse(JSON.stringify({ ...TOUR, loop: true })))).toEqual({ ...TOUR, loop: true });
    for (const bad of [null, "", "x;1,2,3,4,5,6", "-;1,2,3", "-;NaN,1,1,1,1,1", "-;116,99,16,0,60,4", "-;116,39,16,0,60,0", `-${";116,39,16,0,60,4".repeat(61)}`]) {
      expect(decodeTour(bad)).toBeNull();
    }
    expect(readTour({ stops: "116", loop: true })).toBeNull();
  });

  it("follows a line, looking ahead", () => {
    const stops = along([[116, 39.9], [116.01, 39.9], [116.01, 39.91]], 17, 70, 50);
    expect(stops.map(({ bearing }) => Math.round(bearing))).toEqual([90, 0, 0]);
    // 0.01 degrees: 854 m eastwards at 39.9° N and 1,113 m northwards, at 50 m/s
    expect(stops.slice(1).map(({ seconds }) => seconds)).toEqual([17.1, 22.3]);
    expect(bearingTo([116, 39.9], [115.9, 39.9])).toBeCloseTo(-90, 1);
  });
});
