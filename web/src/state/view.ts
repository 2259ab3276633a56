/**
 * The one view state. Map, panels and table meet only here; the address is written from it and read into it.
 */
import { create } from "zustand";
import type { Condition } from "../format/condition";
import type { Bounds } from "../format/geometry";
import { BLANK, type Camera, decodeView, encodeView, keptName, type LinkedView, type Ref } from "./link";
import type { Compare } from "./sides";
import { readWork, type Work } from "./work";

export type { Camera, Ref } from "./link";

export type Tool = "identify" | "measure" | "draw" | "area" | "plot";

/** A wish for the camera; the map fulfils it and the camera follows. `token` makes equal wishes different. */
export interface Flight {
  token: number;
  bounds?: Bounds;
  center?: [number, number];
  zoom?: number;
  bearing?: number;
  pitch?: number;
}

export interface View extends LinkedView {
  tool: Tool;
  /** What the map shows now, in degrees; null before the map is there. */
  bounds: Bounds | null;
  flight: Flight | null;
  /** Only what is in view in the table? null: as the size of the layer suggests. */
  inView: boolean | null;
  sort: Record<string, { field: string; descending: boolean }>;
  /** Which of the selected features the feature panel shows. */
  focus: number;
  /** The day of the pane that the selection was made in; undefined: it is shown as of the view's own day. */
  asOf: string | null | undefined;
  /** All that lay under the last click, the topmost first. */
  here: (Ref & { label: string })[];

  moved: (camera: Camera, bounds: Bounds) => void;
  fly: (flight: Omit<Flight, "token">) => void;
  setDay: (day: string | null) => void;
  setKnownAt: (knownAt: string | null) => void;
  setUntil: (until: string | null) => void;
  /** Let a layer keep a day of its own; null lets it follow again. */
  pin: (layer: string, day: string | null) => void;
  setCompare: (compare: Compare | null) => void;
  setWork: (change: Partial<Work>) => void;
  show: (layers: string[], shown: boolean) => void;
  setOpacity: (layer: string, opacity: number) => void;
  setRelief: (relief: boolean) => void;
  setGround: (ground: LinkedView["ground"]) => void;
  /** Show the scene in three dimensions, or the map. */
  setScene: (scene: boolean) => void;
  setAnalysis: (analysis: LinkedView["analysis"]) => void;
  resetLayers: () => void;
  setFilter: (layer: string, conditions: Condition[]) => void;
  select: (refs: Ref[], focus?: number) => void;
  pick: (here: View["here"], asOf?: string | null) => void;
  toggle: (ref: Ref, asOf?: string | null) => void;
  setFocus: (focus: number) => void;
  setTool: (tool: Tool) => void;
  openTable: (layer: string | null) => void;
  setInView: (inView: boolean) => void;
  setSort: (layer: string, sort: { field: string; descending: boolean } | null) => void;
  follow: (hash: string) => void;
  /** Take a whole view, as a link, a bookmark or the way back has it. */
  restore: (linked: LinkedView) => void;
}

let flights = 0;

/** Are two references the same feature? */
export function sameRef(a: Ref, b: Ref): boolean {
  return a.fid === b.fid && a.layer === b.layer;
}

export const useView = create<View>()((set, get) => ({
  ...BLANK,
  tool: "identify",
  bounds: null,
  flight: null,
  inView: null,
  sort: {},
  focus: 0,
  asOf: undefined,
  here: [],

  moved: (camera, bounds) => set({ camera, bounds }),
  fly: (flight) => set({ flight: { ...flight, token: (flights += 1) } }),
  setDay: (day) => set(({ time }) => ({ time: { ...time, day, until: day && time.until && time.until > day ? time.until : null } })),
  setKnownAt: (knownAt) => set(({ time }) => ({ time: { ...time, knownAt } })),
  setUntil: (until) => set(({ time }) => ({ time: { ...time, until: time.day && until && until > time.day ? until : null } })),
  pin: (layer, day) => set(({ time }) => {
    const { [layer]: _, ...others } = time.pinned;
    return { time: { ...time, pinned: day ? { ...others, [layer]: day } : others } };
  }),
  setCompare: (compare) => set(compare ? { compare } : { compare, asOf: undefined }),
  setWork: (change) => set(({ work }) => ({ work: { ...work, ...change } })),
  show: (layers, shown) => set((view) => ({
    layers: { ...view.layers, shown: { ...view.layers.shown, ...Object.fromEntries(layers.map((id) => [id, shown])) } },
  })),
  setOpacity: (layer, opacity) => set((view) => ({
    layers: { ...view.layers, opacity: { ...view.layers.opacity, [layer]: opacity } },
  })),
  setGround: (ground) => set({ ground }),
  setScene: (scene) => set({ scene }),
  setAnalysis: (analysis) => set({ analysis }),
  setRelief: (relief) => set((view) => ({ layers: { ...view.layers, relief } })),
  resetLayers: () => set((view) => ({ layers: { ...view.layers, shown: {}, opacity: {} }, work: { ...view.work, order: [] } })),
  setFilter: (layer, conditions) => set((view) => ({ filters: { ...view.filters, [layer]: conditions } })),
  select: (selection, focus) => set({ selection, focus: Math.max(0, focus ?? selection.length - 1), asOf: undefined }),
  pick: (here, asOf) => set({ asOf, here, selection: here.slice(0, 1).map(({ layer, fid }) => ({ layer, fid })), focus: 0 }),
  toggle: (ref, asOf) => set((view) => {
    const rest = view.selection.filter((other) => !sameRef(other, ref));
    const selection = rest.length < view.selection.length ? rest : [...view.selection, ref];
    return { selection, asOf, focus: Math.max(0, selection.length - 1) };
  }),
  setFocus: (focus) => set({ focus }),
  setTool: (tool) => set({ tool }),
  openTable: (table) => set({ table }),
  setInView: (inView) => set({ inView }),
  setSort: (layer, sort) => set((view) => {
    const { [layer]: _, ...others } = view.sort;
    return { sort: sort ? { ...others, [layer]: sort } : others };
  }),
  follow: (hash) => get().restore(decodeView(hash)),
  restore: (linked) => {
    // What was kept before knows nothing of what came since.
    set({ ...linked, asOf: undefined, work: readWork(linked.work), focus: Math.max(0, linked.selection.length - 1) });
    if (linked.camera) {
      const { lon, lat, zoom, bearing, pitch } = linked.camera;
      set({ flight: { center: [lon, lat], zoom, bearing, pitch, token: (flights += 1) } });
    }
  },
}));

let writeNow: () => void = () => undefined;

/** Write the view into the address at once, as whoever copies, shares or prints the address needs it. */
export function flushAddress(): void {
  writeNow();
}

/** Keep address and view the same; returns how to stop. */
export function linkToAddress(): () => void {
  let timer = 0;
  let written = window.location.hash.replace(/^#/, "");
  const write = () => {
    timer = 0;
    const hash = encodeView(useView.getState());
    if (hash === written) return;
    written = hash;
    // Replaced, not pushed: panning a map must not fill the way back.
    // Written whole: the page has a base, against which a bare "#..." would lead away from where one is.
    const { pathname, search } = window.location;
    window.history.replaceState(window.history.state, "", `${pathname}${search}#${hash}`);
  };
  const unsubscribe = useView.subscribe(() => {
    timer ||= window.setTimeout(write, 250);
  });
  writeNow = () => {
    window.clearTimeout(timer);
    // An address that names a kept view is not written over before that view has come.
    if (timer) write();
  };
  const leave = () => {
    if (document.visibilityState === "hidden") writeNow();
  };
  // A page that is left, or put aside on a phone, may never run its timers again.
  window.addEventListener("pagehide", writeNow);
  window.addEventListener("beforeprint", writeNow);
  document.addEventListener("visibilitychange", leave);
  const read = () => {
    const hash = window.location.hash.replace(/^#/, "");
    // The name of a kept view says nothing by itself: whoever fetches the view shows it.
    if (hash === written || keptName(hash)) return;
    written = hash;
    useView.getState().follow(hash);
  };
  window.addEventListener("hashchange", read);
  return () => {
    unsubscribe();
    window.clearTimeout(timer);
    window.removeEventListener("pagehide", writeNow);
    window.removeEventListener("beforeprint", writeNow);
    document.removeEventListener("visibilitychange", leave);
    writeNow = () => undefined;
    window.removeEventListener("hashchange", read);
  };
}
