import { describe, expect, it } from "vitest";
import type { ProjectProgress } from "../api/progress";
import { colorOf, countFloors, dayNumber, decisive, floorsOf, grownOf, signsOf } from "./growth";

const square = (x: number) => ({ type: "MultiPolygon" as const, coordinates: [[[[x, 0], [x + 1, 0], [x + 1, 1], [x, 0]]]] });
const project = {
  fid: 7, label: "P", buildings: [
    { fid: 1, label: "a", base_m: 40, bounds_m: [0, 4, 7, 10], levels: null, planned: ["2024-01-10", "2024-01-20", "2024-01-30"], actual: ["2024-01-12", null, null], geometry: square(0) },
    { fid: 2, label: "b", base_m: 40, bounds_m: [0, 3], levels: null, planned: [null], actual: ["2024-01-05"], geometry: square(4) },
    { fid: 3, label: "c", base_m: 40, bounds_m: [0, 3], levels: null, planned: ["2024-01-01"], actual: [null], geometry: null },
  ],
} as unknown as ProjectProgress;
const TODAY = "2024-01-25";

describe("projects that grow on the map", () => {
  it("have a floor for each, between its heights and with its days", () => {
    const floors = floorsOf([project]).features.filter(({ properties }) => properties!.kind === "floor").map(({ properties }) => properties!);
    expect(floors.map(({ fid, low, high }) => [fid, low, high])).toEqual([[1, 0, 3.7], [1, 4, 6.7], [1, 7, 9.7], [2, 0, 2.7]]);
    expect(floors[0]).toMatchObject({ project: 7, actual: dayNumber("2024-01-12"), planned: dayNumber("2024-01-10") });
    expect(floors[1]!.actual).toBeGreaterThan(dayNumber("2100-01-01"));
    expect(grownOf([project])).toEqual([1, 2]);
  });

  it("stand by records up to today, and are due by plan on the day shown", () => {
    expect(countFloors([project], "2024-01-09", TODAY)).toEqual({ standing: 1, ghosts: 0 });
    expect(countFloors([project], "2024-01-11", TODAY)).toEqual({ standing: 1, ghosts: 1 });
    expect(countFloors([project], "2024-01-20", TODAY)).toEqual({ standing: 2, ghosts: 1 });
    expect(countFloors([project], "2024-02-20", TODAY)).toEqual({ standing: 2, ghosts: 2 });
    expect(decisive("2024-02-20", TODAY)).toEqual([dayNumber("2024-02-20"), dayNumber(TODAY)]);
  });

  it("say how many floors there are, and how the project is", () => {
    const texts = signsOf([project], "2024-01-20", TODAY, (fid) => `said of ${fid}`).features.map(({ properties }) => properties!.text);
    expect(texts).toEqual(["said of 7", "1/2/3", "1/0/1"]);
    expect(colorOf(new Map([[7, "late"]]))).toEqual(["match", ["get", "project"], 7, "#d9642a", "#8b939b"]);
  });
});
