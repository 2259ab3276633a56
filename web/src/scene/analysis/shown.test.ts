import { describe, expect, it } from "vitest";
import type { Layer } from "../../api/types";
import { inputsOf } from "./tools";
import { shownInputs, shownOf } from "./shown";

const field = (name: string, type = "number") => ({ name, type, title: { zh: name, en: name } });
const building = { id: "building", kind: "spatial", geometry: "MultiPolygon", symbology: { extrude: "height_m" }, fields: [field("height_m"), field("use", "code")] } as unknown as Layer;
const shed = { ...building, id: "shed" } as Layer;
const pipe = { id: "pipe_segment", kind: "spatial", geometry: "LineString", fields: ["start_elevation_m", "end_elevation_m", "size_mm"].map((name) => field(name)) } as unknown as Layer;
const road = { id: "road", kind: "spatial", geometry: "LineString", fields: [field("width_m")] } as unknown as Layer;
const all = [building, shed, pipe, road];
const high = [{ field: "height_m", op: ">" as const, value: 24 }];
const NOW = { day: null, knownAt: null };

describe("what an analysis is made of", () => {
  it("is the city of today where the view says no more", () => {
    expect(shownInputs(shownOf(all, NOW, {}, {}), true)).toEqual({});
    expect(shownInputs(shownOf(all, NOW, { road: false, pipe_segment: false }, { road: [{ field: "width_m", op: ">", value: 1 }] }), true)).toEqual({});
  });

  it("follows day, known time, hidden layers and filters", () => {
    const shown = shownOf(all, { day: "2041-06-01", knownAt: "812" }, { shed: false }, { building: high, shed: high, pipe_segment: [{ field: "size_mm", op: ">", value: 300 }] });
    const filter = { op: ">", args: [{ property: "height_m" }, 24] };
    expect(shownInputs(shown, false)).toEqual({ datetime: "2041-06-01", known_at: "812", layers: ["building"], filters: { building: filter } });
    expect(Object.keys(shownInputs(shown, true).filters as object)).toEqual(["building", "pipe_segment"]);
    // What is chosen to be measured is measured, be its layer hidden or filtered.
    expect(inputsOf({ tool: "volume", points: [], options: {} }, shown, [{ layer: "shed", fid: 3 }])).toEqual(
      { layer: "shed", fids: [3], datetime: "2041-06-01", known_at: "812" });
  });

  it("takes nothing where all is hidden", () => {
    expect(shownInputs(shownOf(all, NOW, { building: false, shed: false }, { building: high }), false)).toEqual({ layers: [] });
  });
});
