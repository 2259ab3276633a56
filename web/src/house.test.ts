import { describe, expect, it } from "vitest";

// main -> map, panels -> state -> api, format. Map and panels meet only in the state; formats know nothing but types.
const MAY: Record<string, string[]> = {
  map: ["map", "state", "api", "format", "icons", "later"],
  scene: ["scene", "record", "state", "api", "format", "icons", "later"],
  construction: ["construction", "panels", "state", "api", "format", "icons", "later"],
  record: ["record"],
  time: ["time", "record", "panels", "state", "api", "format", "icons", "later"],
  compare: ["compare", "map", "panels", "state", "api", "format", "icons", "later"],
  print: ["print", "panels", "state", "api", "format", "icons", "later"],
  panels: ["panels", "state", "api", "format", "icons", "later"],
  plot: ["plot", "panels", "state", "api", "format", "icons", "later"],
  outside: ["outside", "panels", "state", "api", "format", "icons", "later"],
  admin: ["admin", "panels", "state", "api", "format", "icons", "later"],
  query: ["query", "panels", "state", "api", "format", "icons", "later"],
  statistics: ["statistics", "panels", "state", "api", "format", "icons", "later"],
  thematic: ["thematic", "panels", "state", "api", "format", "icons", "later"],
  workbench: ["workbench", "outside", "query", "statistics", "thematic", "panels", "state", "api", "format", "icons", "later"],
  state: ["state", "api", "format"],
  api: ["api"],
  format: ["format", "api/types"],
};

const sources = import.meta.glob<string>("./**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });

function resolved(from: string, to: string): string {
  return new URL(to, `file:///${from.replace("./", "")}`).pathname.slice(1);
}

describe("the house", () => {
  it("has its arrows in one direction", () => {
    const wrong: string[] = [];
    for (const [path, text] of Object.entries(sources)) {
      const floor = path.split("/")[1]!;
      const may = MAY[floor];
      if (!may || path.endsWith(".test.ts")) continue;
      for (const [, to] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
        const target = resolved(path, to!);
        if (!may.some((allowed) => target === allowed || target.startsWith(`${allowed}/`))) wrong.push(`${path} -> ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("reads many files, so that the rule above means something", () => {
    expect(Object.keys(sources).length).toBeGreaterThan(60);
  });

  it("keeps files short", () => {
    const long = Object.entries(sources).filter(([path, text]) => !/messages|test/.test(path) && text.split("\n").length > 200);
    expect(long.map(([path]) => path)).toEqual([]);
  });
});
