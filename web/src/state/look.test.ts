import { describe, expect, it } from "vitest";
import type { Layer } from "../api/types";
import { BLANK } from "./link";
import { lookOf } from "./look";
import { PLAIN_WORK } from "./work";

const field = { name: "floors", type: "integer", title: { zh: "层", en: "Floors" }, tile: true } as never;
const layer = (id: string, order: number, more: object = {}): Layer => ({
  id, kind: "spatial", title: { zh: id, en: id }, group: "g", fields: [field], symbology: { order, ...more }, styles: [{ name: "by_use", title: { zh: "", en: "" }, symbology: {} }],
} as never);
const LAYERS = [layer("building", 50), layer("green", 10), layer("plan", 30, { visible: false })];
const seen = (change: object = {}) => ({ ...BLANK, ...change });

describe("the look of the map for the ground of the scene", () => {
  it("asks for nothing where nothing was changed", () => {
    expect(lookOf(LAYERS, seen())).toEqual({});
  });
  it("names what is shown from the ground up, with what each has of its own", () => {
    const look = lookOf(LAYERS, seen({
      layers: { shown: { plan: true }, opacity: { green: 0.33, building: 0.001 }, relief: false }, work: { ...PLAIN_WORK, styles: { building: "by_use", green: "gone" } },
      filters: { building: [{ field: "floors", op: ">=", value: 6 }] }, time: { ...BLANK.time, pinned: { green: "2000-01-01" } },
    }));
    expect(look).toMatchObject({ collections: "green,plan,building", opacity: "35,,5", styles: ",,by_use", datetimes: '{"green":"2000-01-01"}' });
    expect(Object.keys(JSON.parse(look.filters!))).toEqual(["building"]);
  });
  it("leaves out what is hidden, and keeps the order that was chosen", () => {
    expect(lookOf(LAYERS, seen({ layers: { shown: { building: false }, opacity: {}, relief: false } }))).toEqual({ collections: "green" });
    expect(lookOf(LAYERS, seen({ work: { ...PLAIN_WORK, order: ["green", "building"] } }))).toEqual({ collections: "building,green" });
  });
});
