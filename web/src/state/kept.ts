/** Views kept on the server (short links and bookmarks), and the way back through the views of this browser. */
import { create } from "zustand";
import { keepView, type KeptView, readView } from "../api/views";
import { BLANK, keptName, type LinkedView } from "./link";
import { readCompare } from "./sides";
import { readTour } from "./tour";
import { useClock } from "./clock";
import { useView } from "./view";

const NAMES = Object.keys(BLANK) as (keyof LinkedView)[];

/** Return the part of the view that links, bookmarks and the way back hold. */
export function snapshot(): LinkedView {
  const view = useView.getState();
  return Object.fromEntries(NAMES.map((name) => [name, view[name]])) as unknown as LinkedView;
}

/** Show a view as it was kept; what it does not say is as at first. */
export function restoreKept(kept: KeptView): void {
  const state = kept.state as Partial<LinkedView>;
  const known = Object.fromEntries(NAMES.filter((name) => name in state).map((name) => [name, state[name]]));
  useView.getState().restore({
    ...BLANK, ...known,
    time: { ...BLANK.time, ...state.time },
    layers: { ...BLANK.layers, ...state.layers },
    selection: Array.isArray(state.selection) ? state.selection : [],
    compare: readCompare(state.compare),
    watch: Array.isArray(state.watch) ? state.watch.filter(Number.isSafeInteger).slice(0, 20) : [],
    tour: readTour(state.tour),
  });
}

/** Keep the present view and return its short link. */
export async function shortLink(sharing: KeptView["sharing"], role: string | null): Promise<string> {
  return (await keepView({ state: snapshot(), sharing, role })).href;
}

/** Open the kept view that an address names; returns it, or null where the address spells its view out. */
export async function openNamed(hash: string): Promise<KeptView | null> {
  const name = keptName(hash);
  if (!name) return null;
  const kept = await readView(name);
  restoreKept(kept);
  return kept;
}

interface Journey {
  past: LinkedView[];
  future: LinkedView[];
}

const MOST_STEPS = 60;
const REST_MS = 450;

/** Which views one has come from, and which one has gone back from. */
export const useJourney = create<Journey>()(() => ({ past: [], future: [] }));

let present = snapshot();
let timer = 0;

// A camera that came back is where it was but for the last digits.
function written(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "number" ? Number(part.toFixed(5)) : part as unknown));
}

function isSame(a: LinkedView, b: LinkedView): boolean {
  return NAMES.every((name) => a[name] === b[name] || written(a[name]) === written(b[name]));
}

function settle(): void {
  timer = 0;
  const now = snapshot();
  if (isSame(now, present)) return;
  // The first camera is where the map began, no step that anybody took.
  const left = present;
  present = now;
  if (left.camera !== null) useJourney.setState(({ past }) => ({ past: [...past.slice(1 - MOST_STEPS), left], future: [] }));
}

/** Remember each view that comes to rest; returns how to stop. */
export function rememberSteps(): () => void {
  present = snapshot();
  const stop = useView.subscribe(() => {
    if (useClock.getState().playing) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(settle, REST_MS);
  });
  return () => {
    stop();
    window.clearTimeout(timer);
    timer = 0;
  };
}

function go(from: "past" | "future", to: "past" | "future"): void {
  if (timer) {
    window.clearTimeout(timer);
    settle();
  }
  const steps = useJourney.getState()[from];
  const target = steps.at(-1);
  if (!target) return;
  const left = present;
  present = target;
  useView.getState().restore(target);
  useJourney.setState((journey) => ({ ...journey, [from]: steps.slice(0, -1), [to]: [...journey[to], left] }));
}

/** Go back to the view before, or forth again. */
export const goBack = () => go("past", "future");
export const goForth = () => go("future", "past");
