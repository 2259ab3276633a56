import { beforeEach, describe, expect, it } from "vitest";
import { BLANK } from "./link";
import { useView } from "./view";

describe("the view state", () => {
  beforeEach(() => useView.setState({ ...BLANK, focus: 0, here: [], flight: null, sort: {} }));
  const view = () => useView.getState();

  it("toggles one feature in and out of a selection and focuses the last", () => {
    view().select([{ layer: "building", fid: 1 }]);
    view().toggle({ layer: "building", fid: 2 });
    view().toggle({ layer: "parcel", fid: 1 });
    expect(view().selection).toHaveLength(3);
    expect(view().focus).toBe(2);
    view().toggle({ layer: "building", fid: 2 });
    expect(view().selection).toEqual([{ layer: "building", fid: 1 }, { layer: "parcel", fid: 1 }]);
    expect(view().focus).toBe(1);
  });

  it("picks the topmost of what lies under a click and keeps the others at hand", () => {
    view().pick([{ layer: "building", fid: 5, label: "5" }, { layer: "parcel", fid: 6, label: "" }]);
    expect(view().selection).toEqual([{ layer: "building", fid: 5 }]);
    expect(view().here).toHaveLength(2);
  });

  it("follows a link, camera included", () => {
    view().follow("#c=116.4,39.9,14&t=2001-01-01&s=building.4");
    expect(view().time.day).toBe("2001-01-01");
    expect(view().selection).toEqual([{ layer: "building", fid: 4 }]);
    expect(view().flight).toMatchObject({ center: [116.4, 39.9], zoom: 14 });
  });

  it("tells two equal wishes to fly apart", () => {
    view().fly({ center: [1, 2] });
    const first = view().flight!.token;
    view().fly({ center: [1, 2] });
    expect(view().flight!.token).not.toBe(first);
  });

  it("sorts each layer on its own", () => {
    view().setSort("building", { field: "height_m", descending: true });
    view().setSort("parcel", { field: "area_m2", descending: false });
    view().setSort("building", null);
    expect(view().sort).toEqual({ parcel: { field: "area_m2", descending: false } });
  });
});
