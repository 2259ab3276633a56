import { describe, expect, it } from "vitest";
import type { Layer, LayerField, Version } from "../api/types";
import { checkDraft } from "./check";
import { toCql2, toMapFilter } from "./condition";
import { toCql2Text } from "./cql2text";
import { changed, same } from "./difference";
import { areaM2, boundsOf, lengthM } from "./geometry";
import { dayOf, formatMoment, isDay, today, toMs } from "./instant";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { nightColor, recolor } from "./night";
import { putTogether, takeApart } from "./parts";
import { fillIn } from "./sentence";
import { formatValue } from "./value";
import { origin, predecessor } from "./versions";

const field = (given: Partial<LayerField> & Pick<LayerField, "name" | "type">): LayerField =>
  ({ title: { zh: given.name, en: given.name }, ...given });
const words = (key: string) => key;

describe("values", () => {
  const use = field({ name: "use", type: "code", codes: { office: { zh: "办公", en: "Office" } } });

  it.each([
    [use, "office", "办公", "Office"],
    [use, "unknown", "unknown", "unknown"],
    [field({ name: "built_area_m2", type: "number", unit: "m2" }), 12345.678, "12,345.68 m²", "12,345.68 m²"],
    [field({ name: "completed_year", type: "integer", unit: "a" }), 1985, "1985", "1985"],
    [field({ name: "oneway", type: "boolean" }), false, "否", "no"],
    [field({ name: "codes", type: "codes" }), [{ scheme: "JGJ246", value: "110" }], "110 (JGJ246)", "110 (JGJ246)"],
    [field({ name: "seen", type: "datetime" }), "2026-11-22T16:30:00Z", "2026-11-23 00:30", "2026-11-23 00:30"],
    [use, null, "", ""],
  ])("of %o: %o", (of, value, chinese, english) => {
    expect(formatValue(of, value, "zh", "Asia/Shanghai")).toBe(chinese);
    expect(formatValue(of, value, "en", "Asia/Shanghai")).toBe(english);
  });
});

describe("moments", () => {
  it("keep the precision they are known at", () => {
    expect(formatMoment("1985", "Asia/Shanghai")).toBe("1985");
    expect(formatMoment("1985-06", "Asia/Shanghai")).toBe("1985-06");
    expect(formatMoment("2026-11-22T23:00:00Z", "Asia/Shanghai")).toBe("2026-11-23 07:00");
  });

  it("know days that exist", () => {
    expect([isDay("2024-02-29"), isDay("2023-02-29"), isDay("2023-2-9"), isDay("1985")]).toEqual([true, false, false, false]);
  });

  it("begin where their label begins", () => {
    expect(dayOf("1985")).toBe("1985-01-01");
    expect(dayOf("1985-06")).toBe("1985-06-01");
    expect(toMs("1985-06")).toBe(Date.UTC(1985, 5, 1));
    expect(today(new Date("2026-11-22T23:59:59Z"))).toBe("2026-11-22");
  });
});

describe("conditions", () => {
  const fields = [
    field({ name: "name", type: "string", tile: true }), field({ name: "built", type: "date" }),
    field({ name: "height_m", type: "number", tile: true }), field({ name: "use", type: "code", tile: true }),
  ];

  it("become CQL2, with a like that takes signs literally", () => {
    expect(toCql2([{ field: "name", op: "like", value: "50%_\\" }], fields))
      .toEqual({ op: "like", args: [{ property: "name" }, "%50\\%\\_\\\\%"] });
    expect(toCql2([{ field: "built", op: ">=", value: "1985-01-01" }, { field: "use", op: "in", value: ["a"] }], fields)).toEqual({
      op: "and", args: [
        { op: ">=", args: [{ property: "built" }, { date: "1985-01-01" }] },
        { op: "in", args: [{ property: "use" }, ["a"]] },
      ],
    });
    expect(toCql2([], fields)).toBeNull();
  });

  it("filter the map where tiles have the field, and say so where they have not", () => {
    expect(toMapFilter([{ field: "height_m", op: ">=", value: 45 }], fields))
      .toEqual(["all", ["all", ["has", "height_m"], [">=", ["get", "height_m"], 45]]]);
    expect(toMapFilter([{ field: "built", op: "null" }], fields)).toBeUndefined();
    expect(toMapFilter([], fields)).toBeNull();
  });
});

describe("differences", () => {
  it("do not mind the order of keys, nor null against absent", () => {
    expect(same({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(same(null, undefined)).toBe(true);
    expect(changed({ a: 1 }, { a: 1, b: null, c: 0 }, ["a", "b", "c"])).toEqual(["c"]);
  });
});

describe("versions", () => {
  const version = (id: number, from: string | null, to: string | null, seqFrom: number, seqTo: number | null, floors: number): Version => ({
    version_id: id, fid: 1, valid_from: from, valid_to: to, seq_from: seqFrom, seq_to: seqTo, recorded_at: "", actor: null, reason: null,
    properties: { floors }, geometry: null,
  });
  // Recorded in 1 with 6 floors; 5: since 2026 there are 8; 9: it had been 7 floors from the beginning.
  const first = version(1, "2005", null, 1, 5, 6);
  const shortened = version(2, "2005", "2026", 5, 9, 6);
  const news = version(3, "2026", null, 5, null, 8);
  const corrected = version(4, "2005", "2026", 9, null, 7);
  const all = [first, shortened, news, corrected];

  it("that only got an end come from where they were first recorded", () => {
    expect(origin(shortened, all, ["floors"])).toBe(first);
    expect(origin(corrected, all, ["floors"])).toBe(corrected);
  });

  it("follow what was so before them, or what they corrected", () => {
    expect(predecessor(news, all)).toBe(shortened);
    expect(predecessor(corrected, all)).toBe(shortened);
    expect(predecessor(first, all)).toBeUndefined();
  });
});

describe("geometries", () => {
  const hole = [[0.2, 0.2], [0.4, 0.2], [0.4, 0.4], [0.2, 0.2]];
  const ring = (x: number) => [[x, 0], [x + 1, 0], [x + 1, 1], [x, 0]];
  const parts = { type: "MultiPolygon" as const, coordinates: [[ring(0), hole], [ring(5)]] };

  it("come apart and together again, holes with their part", () => {
    expect(takeApart(parts)).toHaveLength(3);
    expect(putTogether(takeApart(parts), "MultiPolygon")).toEqual(parts);
    expect(putTogether(takeApart({ type: "Point", coordinates: [1, 2] }), "MultiPoint")).toEqual({ type: "MultiPoint", coordinates: [[1, 2]] });
    expect(putTogether([], "Polygon")).toBeNull();
  });

  it("have bounds", () => {
    expect(boundsOf([parts, null])).toEqual([0, 0, 6, 1]);
    expect(boundsOf([null])).toBeNull();
  });

  it("are measured on the sphere: a degree of the equator, a cell at it", () => {
    expect(lengthM([[0, 0], [1, 0]])).toBeCloseTo((2 * Math.PI * 6371008.8) / 360, 3);
    const cell = [[0, 0], [0.01, 0], [0.01, 0.01], [0, 0.01], [0, 0]];
    expect(areaM2(cell) / ((2 * Math.PI * 6371008.8 * 0.01) / 360) ** 2).toBeCloseTo(1, 6);
  });
});

describe("a query as CQL2 text", () => {
  const fields = [field({ name: "use", type: "code" }), field({ name: "height_m", type: "number" }), field({ name: "name", type: "string" }),
    field({ name: "built_on", type: "date" })];

  it("joins groups as they are nested", () => {
    const conditions = [
      { field: "use", op: "in" as const, value: ["office", "hotel"] },
      { field: "", op: "or" as const, terms: [
        { field: "height_m", op: ">" as const, value: 50 },
        { field: "", op: "and" as const, terms: [{ field: "name", op: "like" as const, value: "O'Neill 5%" }, { field: "built_on", op: ">=" as const, value: "2010-01-01" }] },
      ] },
      { field: "", op: "not" as const, terms: [{ field: "name", op: "null" as const }] },
    ];
    expect(toCql2Text(conditions, fields)).toBe(
      "use IN ('office', 'hotel') AND (height_m > 50 OR (name LIKE '%O''Neill 5\\%%' AND built_on >= DATE('2010-01-01'))) AND NOT (name IS NULL)");
  });

  it("says nothing of empty groups", () => {
    expect(toCql2Text([{ field: "", op: "or", terms: [] }], fields)).toBe("");
  });
});

describe("checks of a form", () => {
  const layer: Layer = {
    id: "x", kind: "table", title: { zh: "", en: "" }, group: "", edit: true, fields: [
      field({ name: "code", type: "string", required: true, pattern: "^\\d{6}$" }),
      field({ name: "floors", type: "integer", minimum: 0, maximum: 200 }),
    ],
  };

  it("find what is missing, out of range or malformed", () => {
    expect(checkDraft(layer, {}, words, null)).toEqual({ code: "edit.required" });
    expect(checkDraft(layer, { code: "12", floors: 201 }, words, null)).toEqual({ code: "edit.pattern", floors: "edit.range" });
    expect(checkDraft(layer, { code: "110105", floors: 2.5 }, words, null)).toEqual({ floors: "edit.integer" });
  });

  it("leave alone what was wrong before and was not touched", () => {
    expect(checkDraft(layer, { code: "12", floors: 3 }, words, { code: "12", floors: 2 })).toEqual({});
  });
});

describe("colours by night", () => {
  it("darken pale grounds and keep strong colours", () => {
    expect(nightColor("#00ffff")).toBe("#00ffff");
    expect(Number.parseInt(nightColor("#f6e6b4").slice(1, 3), 16)).toBeLessThan(0x60);
    expect(recolor(["match", ["get", "use"], "a", "#ffffff", "#000000"], () => "#123456"))
      .toEqual(["match", ["get", "use"], "a", "#123456", "#123456"]);
  });
});

describe("messages", () => {
  it("are complete in both languages, with the same blanks to fill", () => {
    const blanks = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
    for (const [key, text] of Object.entries(zh)) {
      expect(text, key).not.toBe("");
      expect(blanks(en[key as keyof typeof en]), key).toEqual(blanks(text));
    }
    const chinese = Object.entries(en).filter(([key, text]) => /[\u4e00-\u9fff]/.test(text) && key !== "settings.language");
    expect(chinese).toEqual([]);
  });
});

describe("sentences", () => {
  it.each([
    [1, "1 layer"], ["1", "1 layer"], [0, "0 layers"], [2, "2 layers"], ["1,001", "1,001 layers"], ["1.0", "1.0 layers"], ["+1.0", "+1.0 layers"],
  ])("say of %o what goes with it", (count, said) => {
    expect(fillIn("{count} {count|layer|layers}", { count }, "en")).toBe(said);
  });

  it("keep what has no value", () => {
    expect(fillIn("tiles {z}/{x} of {n}", { n: 3 }, "zh")).toBe("tiles {z}/{x} of 3");
  });

  it("have their words for one and for many in English, and no number in brackets", () => {
    for (const [key, text] of Object.entries(en)) {
      expect(text, key).not.toMatch(/\w\(s\)/);
      for (const [, name, one, other] of text.matchAll(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g)) {
        expect(text, key).toContain(`{${name}}`);
        expect(one, key).not.toBe(other);
      }
    }
    for (const [key, text] of Object.entries(zh)) expect(text, key).not.toContain("|");
  });
});
