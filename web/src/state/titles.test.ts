import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Layer } from "../api/types";
import { labelOf } from "../format/label";
import { titleQuery, type When } from "./titles";

const text = (name: string) => ({ name, type: "string" as const, title: { zh: name, en: name } });
const BUILDING: Layer = {
  id: "building", kind: "spatial", title: { zh: "建筑", en: "Building" }, group: "housing", edit: false, key: "source_id", label: "name",
  fields: [text("source_id"), text("name"), { ...text("owner"), search: "code", personal: true }, { ...text("address"), search: "address" }, text("use")],
};
const ENTRANCE: Layer = { ...BUILDING, id: "entrance", kind: "table" };
const NEVER = { retry: false, staleTime: 60_000 };
const HIDDEN = 7;

let asked: { layer: string; fids: number[]; parameters: URLSearchParams; signal?: AbortSignal }[] = [];
let client: QueryClient;
const load = (layer: Layer, fid: number, when: When = {}, name = "wang") => client.fetchQuery({ ...titleQuery(layer, fid, when, name), ...NEVER });

/** A server with every building but one that this reader may not see; of an interval it has two versions of each. */
function answer(href: string, { signal }: { signal?: AbortSignal }): Promise<Response> {
  const { pathname, searchParams: parameters } = new URL(href);
  const fids = parameters.get("ids")!.split(",").map(Number);
  asked.push({ layer: pathname.split("/").at(-2)!, fids, parameters, signal });
  if (fids.includes(500)) return Promise.resolve(new Response("{}", { status: 503 }));
  const version = (id: number, name: string, from: string | null) => ({ type: "Feature", id, geometry: null, properties: { name, valid_from: from } });
  const features = fids.filter((fid) => fid !== HIDDEN).flatMap((fid) => (parameters.get("datetime")?.includes("/")
    ? [version(fid, `new ${fid}`, "2001-01-01T00:00:00Z"), version(fid, `old ${fid}`, null)] : [version(fid, `no. ${fid}`, null)]));
  return Promise.resolve(Response.json({ features, numberReturned: features.length }));
}

beforeEach(() => {
  asked = [];
  client = new QueryClient();
  vi.stubGlobal("document", { baseURI: "http://city.test/" });
  vi.stubGlobal("fetch", vi.fn(answer));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the titles of what is referred to", () => {
  it("are asked for together, one request a layer and moment, each feature once", async () => {
    const found = await Promise.all([3, 2, 3, 19].map((fid) => load(BUILDING, fid))
      .concat(load(ENTRANCE, 3), load(BUILDING, 3, { datetime: "1990-01-01" }), load(BUILDING, 3, { knownAt: "12" })));
    expect(found.map((item) => item!.properties.name)).toEqual(["no. 3", "no. 2", "no. 3", "no. 19", "no. 3", "no. 3", "no. 3"]);
    expect(asked.map(({ layer, fids, parameters }) => [layer, fids, parameters.get("datetime"), parameters.get("known-at")])).toEqual([
      ["building", [2, 3, 19], null, null], ["entrance", [3], null, null], ["building", [3], "1990-01-01", null], ["building", [3], null, "12"]]);
    // only what a title is made of, and no geometry; a personal field is nobody's name
    expect(asked[0]!.parameters.get("properties")).toBe("name,source_id,address");
    expect(asked[0]!.parameters.get("skipGeometry")).toBe("true");
    expect(asked[0]!.parameters.get("limit")).toBe("3");
  });

  it("are kept by moment and reader, until a change of their layer", async () => {
    await Promise.all([load(BUILDING, 1), load(BUILDING, HIDDEN)]);
    expect(await load(BUILDING, 1)).toMatchObject({ id: 1 });
    // that a feature is hidden is known as well, and not asked for at every turn of the wheel
    expect(await load(BUILDING, HIDDEN)).toBeNull();
    expect(asked.length).toBe(1);
    await load(BUILDING, 1, {}, "zhao");
    await load(BUILDING, 1, { datetime: "1990-01-01" });
    expect(asked.length).toBe(3);
    await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[1] === "building" });
    await load(BUILDING, 1);
    expect(asked.length).toBe(4);
  });

  it("come in several requests where more are wanted than a screen has rows", async () => {
    await Promise.all(Array.from({ length: 230 }, (_, index) => load(BUILDING, 1000 + index)));
    expect(asked.map(({ fids }) => fids.length)).toEqual([100, 100, 30]);
  });

  it("are not asked for once their rows have scrolled away", async () => {
    const leave = (fid: number) => new QueryObserver(client, { ...titleQuery(BUILDING, fid, {}, "wang"), ...NEVER }).subscribe(() => undefined);
    const [gone, stays] = [leave(1), leave(2)];
    gone();
    await vi.waitFor(() => expect(asked.map(({ fids }) => fids)).toEqual([[2]]));
    stays();
    // nobody at all: no request
    leave(3)();
    await new Promise((done) => setTimeout(done, 120));
    expect(asked.length).toBe(1);
  });

  it("wait for a wheel to rest, but not for ever", async () => {
    vi.useFakeTimers();
    const wanted: Promise<unknown>[] = [];
    for (let fid = 1; fid <= 30; fid += 1) {
      wanted.push(load(BUILDING, fid));
      await vi.advanceTimersByTimeAsync(20);
    }
    await vi.advanceTimersByTimeAsync(100);
    vi.useRealTimers();
    await Promise.all(wanted);
    // thirty rows in 600 ms, of which none waits longer than a quarter of a second
    expect(asked.map(({ fids }) => fids.length)).toEqual([13, 13, 4]);
  });

  it("fail for those alone that were asked for with them, and are asked for again", async () => {
    const [failed, other] = await Promise.allSettled([load(BUILDING, 500), load(ENTRANCE, 1)]);
    expect([failed!.status, other!.status]).toEqual(["rejected", "fulfilled"]);
    await expect(load(BUILDING, 500)).rejects.toMatchObject({ status: 503 });
    expect(asked.length).toBe(3);
  });

  it("of an interval are those of the last version in it", async () => {
    expect((await load(BUILDING, 4, { datetime: "1990-01-01/2010-01-01" }))!.properties.name).toBe("new 4");
    expect(Number(asked[0]!.parameters.get("limit"))).toBeGreaterThan(1);
  });
});

describe("a title", () => {
  it("is the label, else the key, else the address, else the number", () => {
    const called = (properties: Record<string, unknown>) => labelOf(BUILDING, { id: 19493, properties }, "zh");
    const whole: Record<string, unknown> = { use: "office", owner: "110101", address: "西直门外大街1号", source_id: "W11", name: "交大东路1号楼" };
    const titles = ["name", "source_id", "address"].map((name) => {
      const title = called(whole);
      delete whole[name];
      return title;
    });
    expect([...titles, called(whole)]).toEqual(["交大东路1号楼", "W11", "西直门外大街1号", "#19493"]);
  });
});
