import { describe, expect, it } from "vitest";
import { epochOf, spansAt, yearsOf } from "./spans";

const SPANS = [
  { valid_from: "2010-01-01T00:00:00Z", valid_to: null },
  { valid_from: "1998-01-01T00:00:00Z", valid_to: "2010-01-01T00:00:00Z" },
  { valid_from: null, valid_to: "1998-01-01T00:00:00Z" },
];

describe("spans of pictures", () => {
  it("hold their first moment and not their last", () => {
    expect(spansAt(SPANS, "2010-01-01")).toEqual([SPANS[0]]);
    expect(spansAt(SPANS, "2009-12-31")).toEqual([SPANS[1]]);
    expect(spansAt(SPANS, "1900-01-01")).toEqual([SPANS[2]]);
    expect(spansAt([SPANS[1]!], "2020-01-01")).toEqual([]);
  });

  it("give all days between two changes one moment", () => {
    expect(epochOf(SPANS, "2024-05-05")).toBe("2010-01-01T00:00:00Z");
    expect(epochOf(SPANS, "1998-01-01")).toBe("1998-01-01T00:00:00Z");
    expect(epochOf(SPANS, "1990-01-01")).toBeNull();
  });

  it("are called by their years", () => {
    expect(SPANS.map(yearsOf)).toEqual(["2010–", "1998–2009", "–1997"]);
    expect(yearsOf({ valid_from: "2015-01-01T00:00:00Z", valid_to: "2016-01-01T00:00:00Z" })).toBe("2015");
    expect(yearsOf({ valid_from: null, valid_to: null })).toBe("");
  });
});
