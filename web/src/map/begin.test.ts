import { beforeEach, describe, expect, it, vi } from "vitest";
import type { City, Config, Layer } from "../api/types";
import { BLANK } from "../state/link";

const answers = vi.hoisted(() => ({ config: Promise.resolve() as Promise<unknown>, style: Promise.resolve() as Promise<unknown> }));
const createMap = vi.hoisted(() => vi.fn());
vi.mock("../state/first", () => ({ firstAnswers: () => [answers.config, answers.style] }));
vi.mock("./create", () => ({ createMap }));

const city = { id: "town", extent: [116, 39, 117, 40], center: [116.5, 39.5], zoom: 11 } as unknown as City;
const layers = [{ id: "road", kind: "spatial", title: { zh: "", en: "" }, group: "g", fields: [], symbology: {} }] as unknown as Layer[];
const config = { city, layers } as Config;
const style = { version: 8, sources: { road: { type: "vector", url: "x" } }, layers: [{ id: "road", type: "line", source: "road", "source-layer": "road" }] };

function element() {
  const made = { className: "", parent: null as unknown, remove: () => { made.parent = null; } };
  return made;
}
const body = { prepend: (each: ReturnType<typeof element>) => { each.parent = body; } };
const into = { append: (each: ReturnType<typeof element>) => { each.parent = into; } };
/** A page that is opened anew. */
async function opened() {
  vi.resetModules();
  const [first, { useView }] = await Promise.all([import("./begin"), import("../state/view")]);
  return { ...first, useView };
}
/** Let the style come later; returns how to let it come. */
function slow(): () => void {
  let come = (_: unknown) => undefined as void;
  answers.style = new Promise((done) => {
    come = done;
  });
  return () => come(style);
}
let map: { once: ReturnType<typeof vi.fn>; jumpTo: ReturnType<typeof vi.fn> };

describe("the first map", () => {
  beforeEach(() => {
    vi.stubGlobal("document", { createElement: element, body, baseURI: "http://city.test/" });
    map = { once: vi.fn(), jumpTo: vi.fn() };
    createMap.mockReset().mockReturnValue(map);
    Object.assign(answers, { config: Promise.resolve(config), style: Promise.resolve(style) });
  });

  it("is begun once with the whole style, and taken once", async () => {
    const { begin, takeBegun } = await opened();
    void begin();
    void begin();
    const begun = await takeBegun();
    expect(createMap).toHaveBeenCalledTimes(1);
    expect((createMap.mock.calls[0]![4] as { layers: { id: string }[] }).layers.map(({ id }) => id)).toEqual(expect.arrayContaining(["ground-paper", "road", "focus-fill"]));
    expect([begun!.layers === layers, begun!.style === style as never]).toEqual([true, true]);
    expect(await takeBegun()).toBeNull();
  });

  it("goes to where a link led that was opened while it waited, not back to its beginning", async () => {
    const { begin, place, takeBegun, useView } = await opened();
    await begin();
    // A kept view comes after the map was begun and before anybody flies it.
    useView.getState().follow("#c=116.25,39.75,15");
    const begun = (await takeBegun())!;
    place(begun, into as never);
    expect(map.jumpTo).toHaveBeenCalledExactlyOnceWith({ center: [116.25, 39.75], zoom: 15, bearing: 0, pitch: 0 });
    expect((begun.frame as unknown as ReturnType<typeof element>).parent).toBe(into);
  });

  it("begins where the view is when its answers come, and then needs no jump", async () => {
    const come = slow();
    const { begin, place, takeBegun, useView } = await opened();
    void begin();
    useView.getState().follow("#c=116.25,39.75,15");
    come();
    place((await takeBegun())!, into as never);
    expect(createMap.mock.calls[0]![2]).toMatchObject({ lon: 116.25, lat: 39.75, zoom: 15 });
    expect(map.jumpTo).not.toHaveBeenCalled();
  });

  it("is not begun for a scene, nor where filters or styles came meanwhile", async () => {
    for (const change of [{ scene: true }, { filters: { road: [] } }, { work: { ...BLANK.work, styles: { road: "by_use" } } }]) {
      const come = slow();
      const { begin, takeBegun, useView } = await opened();
      void begin();
      useView.setState(change);
      come();
      expect(await takeBegun()).toBeNull();
    }
    expect(createMap).not.toHaveBeenCalled();
  });

  it("is left to the desk where an answer fails or the browser cannot draw, and leaves nothing behind", async () => {
    answers.style = Promise.reject(new Error("401"));
    const one = await opened();
    await one.begin();
    expect(await one.takeBegun()).toBeNull();
    answers.style = Promise.resolve(style);
    const made: ReturnType<typeof element>[] = [];
    vi.stubGlobal("document", { createElement: () => made[made.push(element()) - 1], body, baseURI: "http://city.test/" });
    createMap.mockImplementation(() => {
      throw new Error("no WebGL");
    });
    const two = await opened();
    await two.begin();
    expect(await two.takeBegun()).toBeNull();
    expect(made.map(({ parent }) => parent)).toEqual([null]);
  });
});
