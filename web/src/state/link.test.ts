import { describe, expect, it } from "vitest";
import { BLANK, decodeView, encodeView, type LinkedView } from "./link";

const FULL: LinkedView = {
  camera: { lon: 116.40123, lat: 39.91234, zoom: 15.25, bearing: -20, pitch: 55 },
  time: { day: "1990-06-01", knownAt: "812" },
  layers: { shown: { road: false, parcel: true }, opacity: { building: 0.6, parcel: 0.25 }, relief: true },
  filters: {
    building: [{ field: "use", op: "in", value: ["residential", "mixed"] }, { field: "name", op: "like", value: "望京 & 花园" },
      { field: "height_m", op: ">=", value: 45.5 }, { field: "address", op: "null" }],
  },
  selection: [{ layer: "building", fid: 17 }, { layer: "unit_room", fid: 9007199254740991 }],
  table: "unit_room",
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

  it("keeps the last fifty of a large selection", () => {
    const selection = Array.from({ length: 80 }, (_, i) => ({ layer: "building", fid: i + 1 }));
    const back = decodeView(encodeView({ ...BLANK, selection })).selection;
    expect(back).toHaveLength(50);
    expect(back[0]).toEqual({ layer: "building", fid: 31 });
  });
});
