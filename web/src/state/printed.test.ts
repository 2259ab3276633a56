import { describe, expect, it } from "vitest";
import type { Layer } from "../api/types";
import { NO_DATA, ramp, sliceColors, valuesOf } from "../format/palette";
import { shownThemes } from "./printed";
import { useView } from "./view";
import { PLAIN_WORK, type Theme } from "./work";

const building = {
  id: "building", kind: "spatial", group: "housing", geometry: "Polygon", title: { zh: "建筑", en: "Buildings" },
  fields: [
    { name: "use", type: "code", title: { zh: "用途", en: "Use" }, codes: { residential: { zh: "住宅", en: "Homes" }, office: { zh: "办公", en: "Offices" } } },
    { name: "listed", type: "boolean", title: { zh: "文保", en: "Listed" } },
    { name: "height_m", type: "number", title: { zh: "高", en: "Height" } },
  ],
  symbology: { field: "use", classes: [{ value: "office", color: "#123456" }] },
} as unknown as Layer;

const THEME: Theme = { kind: "heat", value: { field: "height_m", per: "none" }, method: "quantile", classes: 5, palette: "orange" };

function printed(theme: Theme) {
  useView.getState().setWork({ ...PLAIN_WORK, themes: { building: theme } });
  useView.getState().show(["building"], true);
  return shownThemes([building]);
}

describe("what the screen shows, as a sheet is asked for it", () => {
  it("names heat, clusters and charts with the colours of the screen", () => {
    expect(printed(THEME)).toEqual([{ layer: "building", kind: "heat", no_data: NO_DATA }]);
    expect(printed({ ...THEME, kind: "cluster" })).toEqual([{ layer: "building", kind: "cluster", no_data: NO_DATA, colors: [ramp("orange", 5)[3]] }]);
    const [charts] = printed({ ...THEME, kind: "charts", by: "use" });
    expect(charts).toMatchObject({ kind: "charts", by: "use", slices: [{ value: "residential", color: "#4e79a7" }, { value: "office", color: "#123456" }] });
    expect(printed({ ...THEME, kind: "charts" })).toEqual([]);
  });

  it("tells yes from no", () => {
    const color = sliceColors(building, "listed");
    expect(valuesOf(building, "listed")).toEqual(["true", "false"]);
    expect(new Set([color("true"), color("false"), color(null)]).size).toBe(3);
  });

  it("does not print what is switched off", () => {
    printed(THEME);
    useView.getState().show(["building"], false);
    expect(shownThemes([building])).toEqual([]);
  });
});
