import { beforeEach, describe, expect, it } from "vitest";
import type { Item, Layer } from "../api/types";
import { useDraft } from "./draft";
import { toRequest, valuesOfPiece } from "./requests";

const LAYER: Layer = {
  id: "parcel", kind: "spatial", title: { zh: "宗地", en: "Parcel" }, group: "land", geometry: "MultiPolygon", edit: true, key: "source_id",
  fields: [
    { name: "source_id", type: "string", title: { zh: "编号", en: "Number" }, search: "code" },
    { name: "parcel_code", type: "string", title: { zh: "代码", en: "Code" }, search: "code", pattern: "^\\d{4}$" },
    { name: "purpose", type: "string", title: { zh: "用途", en: "Purpose" } },
    { name: "area_m2", type: "number", title: { zh: "面积", en: "Area" }, unit: "m2" },
  ],
};
const geometry = { type: "MultiPolygon" as const, coordinates: [[[[0, 0], [1, 0], [1, 1], [0, 0]]]] };
const item = (id: number, from: string): Item => ({
  type: "Feature", id, geometry, properties: { source_id: `P${id}`, parcel_code: "0007", purpose: "住宅", area_m2: 90, version: id * 10, valid_from: from },
});
const { begin, change, setGeometry, setValue } = useDraft.getState();
const draft = () => useDraft.getState().draft!;

describe("a changeset of many", () => {
  beforeEach(() => begin("edit", LAYER, "2026-11-22", item(7, "1985")));

  it("splits: the feature ends, its parts begin that day, and the lineage names them", () => {
    setGeometry(geometry, [1, 2].map((number) => ({
      geometry, areaM2: 45.128, lengthM: 3, values: valuesOfPiece(LAYER, item(7, "1985").properties, number, 45.128),
    })));
    change({ reason: " 分割 " });
    const request = toRequest(draft());
    expect(request.reason).toBe("分割");
    expect(request.edits.map(({ op, fid, temp_id, expected_version, valid_from }) => [op, fid ?? temp_id, expected_version, valid_from])).toEqual([
      ["retire", 7, 70, "2026-11-22"], ["create", "piece1", undefined, "2026-11-22"], ["create", "piece2", undefined, "2026-11-22"],
    ]);
    // numbers of their own, no official code, the area that was cut, the rest as it was; nothing that is not a field
    expect(request.edits[2]!.properties).toEqual({ source_id: "P7-2", purpose: "住宅", area_m2: 45.13 });
    expect(request.lineage).toEqual([{
      kind: "split", at: "2026-11-22", predecessors: [{ layer: "parcel", fid: 7 }],
      successors: [{ layer: "parcel", fid: "$piece1" }, { layer: "parcel", fid: "$piece2" }],
    }]);
  });

  it("merges on a day when all of them are there", () => {
    begin("merge", LAYER, "2026-11-22", undefined, { items: [item(7, "1985"), item(8, "2026-11-22T06:54:00Z")], geometry, values: item(7, "1985").properties });
    const { edits, lineage } = toRequest(draft());
    expect(new Set(edits.map((edit) => edit.valid_from))).toEqual(new Set(["2026-11-22T06:54:00Z"]));
    expect(lineage![0]).toMatchObject({ kind: "merge", predecessors: [{ fid: 7 }, { fid: 8 }], successors: [{ fid: "$new" }] });
  });

  it("changes only what was filled in, for every feature from its own version", () => {
    begin("batch", LAYER, "2026-11-22", undefined, { items: [item(7, "1985"), item(8, "2026-12-01")] });
    setValue("purpose", "商业");
    expect(toRequest(draft()).edits).toEqual([
      { layer: "parcel", op: "put", fid: 7, properties: { purpose: "商业" }, partial: true, valid_from: "2026-11-22", expected_version: 70 },
      { layer: "parcel", op: "put", fid: 8, properties: { purpose: "商业" }, partial: true, valid_from: "2026-12-01", expected_version: 80 },
    ]);
  });

  it("takes a split back and does it again", () => {
    setGeometry(geometry, [{ geometry, areaM2: 1, lengthM: 1, values: {} }]);
    useDraft.getState().undoGeometry();
    expect(draft().pieces).toBeNull();
    useDraft.getState().redoGeometry();
    expect(draft().pieces).toHaveLength(1);
  });
});
