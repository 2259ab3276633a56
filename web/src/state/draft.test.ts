import { beforeEach, describe, expect, it } from "vitest";
import type { Item, Layer } from "../api/types";
import { changedFields, clashesOf, isDirty, useDraft } from "./draft";
import { toEdit } from "./requests";

const LAYER: Layer = {
  id: "building", kind: "spatial", title: { zh: "建筑", en: "Building" }, group: "housing", geometry: "MultiPolygon", edit: true,
  fields: [
    { name: "name", type: "string", title: { zh: "名称", en: "Name" } },
    { name: "floors", type: "integer", title: { zh: "层数", en: "Floors" } },
    { name: "use", type: "string", title: { zh: "用途", en: "Use" } },
  ],
};
const SQUARE = { type: "MultiPolygon" as const, coordinates: [[[[0, 0], [1, 0], [1, 1], [0, 0]]]] };
const ITEM: Item = {
  type: "Feature", id: 7, geometry: SQUARE, properties: { name: "甲", floors: 6, use: null, version: 31, valid_from: "1985", valid_to: null },
};
const draft = () => useDraft.getState().draft!;

describe("a draft", () => {
  beforeEach(() => useDraft.getState().begin("edit", LAYER, "2026-11-22", ITEM));

  it("sends only what changed, with the version it began at", () => {
    useDraft.getState().setValue("floors", 8);
    expect(isDirty(draft())).toBe(true);
    expect(toEdit(draft())).toEqual({
      layer: "building", op: "put", fid: 7, properties: { floors: 8 }, partial: true, valid_from: "2026-11-22", expected_version: 31,
    });
  });

  it("is clean again when a value is put back", () => {
    useDraft.getState().setValue("floors", 8);
    useDraft.getState().setValue("floors", 6);
    expect(isDirty(draft())).toBe(false);
  });

  it("empties a field with null, and takes an empty field for unchanged", () => {
    useDraft.getState().setValue("name", null);
    useDraft.getState().setValue("use", undefined);
    expect(changedFields(draft())).toEqual(["name"]);
    expect(toEdit(draft()).properties).toEqual({ name: null });
  });

  it("corrects over the version's own time: without a day", () => {
    useDraft.getState().change({ kind: "correct" });
    useDraft.getState().setValue("name", "乙");
    expect(toEdit(draft())).not.toHaveProperty("valid_from");
    expect(toEdit(draft()).op).toBe("correct");
  });

  it("undoes geometry step by step and sends it only if it differs", () => {
    const moved = { ...SQUARE, coordinates: [[[[0, 0], [2, 0], [2, 2], [0, 0]]]] };
    useDraft.getState().setGeometry(moved);
    expect(toEdit(draft()).geometry).toEqual(moved);
    useDraft.getState().undoGeometry();
    expect(toEdit(draft())).not.toHaveProperty("geometry");
  });

  it("settles a conflict: what is chosen goes on from the version that stands", () => {
    useDraft.getState().setValue("floors", 8);
    useDraft.getState().setValue("use", "住宅");
    const theirs: Item = { ...ITEM, properties: { ...ITEM.properties, floors: 7, name: "丙", version: 40 } };
    useDraft.getState().change({ conflict: { theirs } });
    const clashes = clashesOf(draft());
    expect(clashes.map(({ name, both, side }) => [name, both, side])).toEqual([
      ["name", false, "theirs"], ["floors", true, "mine"], ["use", false, "mine"],
    ]);
    useDraft.getState().settle(clashes, "mine");
    expect(toEdit(draft())).toMatchObject({ properties: { floors: 8, use: "住宅" }, expected_version: 40 });
    expect(draft().values.name).toBe("丙");
  });

  it("does not hold before the version it changes: that one would stay in force", () => {
    const theirs: Item = { ...ITEM, properties: { ...ITEM.properties, version: 40, valid_from: "2026-11-22T06:54:00Z" } };
    useDraft.getState().setValue("floors", 8);
    expect(toEdit(draft()).valid_from).toBe("2026-11-22");
    useDraft.getState().change({ conflict: { theirs } });
    useDraft.getState().settle(clashesOf(draft()), "mine");
    expect(toEdit(draft()).valid_from).toBe("2026-11-22T06:54:00Z");
    useDraft.getState().change({ validFrom: "2026-12-01" });
    expect(toEdit(draft()).valid_from).toBe("2026-12-01");
  });

  it("retires without values, from a day", () => {
    useDraft.getState().begin("retire", LAYER, "2026-11-22", ITEM);
    expect(toEdit(draft())).toEqual({ layer: "building", op: "retire", fid: 7, valid_from: "2026-11-22", expected_version: 31 });
  });
});
