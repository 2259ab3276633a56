import { describe, expect, it } from "vitest";
import { BLANK, decodeView, encodeView, keptName, type LinkedView } from "./link";
import { PLAIN_SIDE } from "./sides";
import { PLAIN_WORK } from "./work";

const FULL: LinkedView = {
  camera: { lon: 116.40123, lat: 39.91234, zoom: 15.25, bearing: -20, pitch: 55 },
  time: { day: "1990-06-01", knownAt: "812", until: "2000-01-01", pinned: { parcel: "1985-01-01" } },
  layers: { shown: { road: false, parcel: true }, opacity: { building: 0.6, parcel: 0.25 }, relief: true },
  filters: {
    building: [{ field: "use", op: "in", value: ["residential", "mixed"] }, { field: "name", op: "like", value: "望京 & 花园" },
      { field: "height_m", op: ">=", value: 45.5 }, { field: "address", op: "null" }],
  },
  selection: [{ layer: "building", fid: 17 }, { layer: "unit_room", fid: 9007199254740991 }],
  table: "unit_room",
  ground: "terrain",
  scene: true,
  analysis: { tool: "sightline", points: [{ lon: 116.4, lat: 39.9, elevation: 61.5 }, { lon: 116.41, lat: 39.9 }], options: { eye_height_m: 2 } },
  work: {
    ...PLAIN_WORK, place: { kind: "area", geometry: { type: "Point", coordinates: [116.4, 39.9] }, bufferM: 500 }, rule: "centroid",
    charts: [{ id: "a", layer: "building", by: "use", kind: "bar", measure: "sum:built_area_m2" }], order: ["parcel", "building"],
  },
  compare: { mode: "swipe", linked: true, at: 0.4, sides: [{ ...PLAIN_SIDE, day: "1995-01-01", shown: { parcel: true } }] },
  watch: [12, 9007199254740991],
  tour: { stops: [{ lon: 116.4, lat: 39.9, zoom: 17.2, bearing: -20, pitch: 60, seconds: 4 }, { lon: 116.41, lat: 39.9, zoom: 16, bearing: 170.5, pitch: 45, seconds: 2.5 }], loop: true },
};

describe("a view in an address", () => {
  it("comes back as it was", () => {
    expect(decodeView(`#${encodeView(FULL)}`)).toEqual(FULL);
  });

  it("is empty for the first view and reads back as that", () => {
    expect(encodeView(BLANK)).toBe("");
    expect(decodeView("")).toEqual(BLANK);
  });

  it("is short: a camera needs no turn when it has none", () => {
    expect(encodeView({ ...BLANK, camera: { lon: 116.4, lat: 39.93, zoom: 12, bearing: 0, pitch: 0 } })).toBe("c=116.4,39.93,12");
  });

  it("survives a mail program that escapes what it finds", () => {
    const escaped = encodeURI(encodeView(FULL)).replaceAll("%25", "%");
    expect(decodeView(escaped)).toEqual(FULL);
  });

  it.each([
    ["c=1,2", { camera: null }],
    ["c=200,39,12", { camera: null }],
    ["c=116,39,NaN", { camera: null }],
    ["t=2023-02-30", { time: { day: null, knownAt: null } }],
    ["t=yesterday&k=<script>", { time: { day: null, knownAt: null } }],
    ["s=building.x,../etc.1,building.12", { selection: [{ layer: "building", fid: 12 }] }],
    ["f=not json", { filters: {} }],
    ['f=[["building",["use","; DROP",1],["use","=","office"]]]', { filters: { building: [{ field: "use", op: "=", value: "office" }] } }],
    ["x=Building", { table: null }],
  ])("reads no nonsense: %s", (hash, expected) => {
    expect(decodeView(hash)).toMatchObject(expected);
  });

  it("holds groups of conditions and areas", () => {
    const filters = { building: [
      { field: "", op: "or" as const, terms: [{ field: "use", op: "in" as const, value: ["office"] },
        { field: "", op: "and" as const, terms: [{ field: "height_m", op: ">" as const, value: 50 }, { field: "name", op: "notnull" as const }] }] },
      { field: "", op: "within" as const, area: { type: "Polygon" as const, coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] } },
    ] };
    expect(decodeView(encodeView({ ...BLANK, filters })).filters).toEqual(filters);
  });

  it.each(["w=1", "w={", 'w={"charts":[{"id":1}],"place":{"kind":"x"},"themes":[]}'])("reads no nonsense of what was worked out: %s", (hash) => {
    expect(decodeView(hash).work).toEqual(PLAIN_WORK);
  });

  it("tells the name of a kept view from a view that is spelled out", () => {
    expect(keptName("#v=abcdefghjk")).toBe("abcdefghjk");
    expect([keptName("#v=abc"), keptName("#c=1,2,3&v=abcdefghjk"), keptName("")]).toEqual([null, null, null]);
  });

  it.each(["t=1990-01-01/1980-01-01", "t=/1990-01-01", "p=parcel.1990-13-01,../x.1990-01-01", "m=[1]", "m={", 'm={"mode":"x","sides":[{}]}'])(
    "reads no nonsense of time and comparison: %s", (hash) => {
      expect(decodeView(hash)).toMatchObject({ time: { until: null, pinned: {} }, compare: null });
    });

  it("keeps the last fifty of a large selection", () => {
    const selection = Array.from({ length: 80 }, (_, i) => ({ layer: "building", fid: i + 1 }));
    const back = decodeView(encodeView({ ...BLANK, selection })).selection;
    expect(back).toHaveLength(50);
    expect(back[0]).toEqual({ layer: "building", fid: 31 });
  });
});
