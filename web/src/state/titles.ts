/** What the features that others refer to are called: all that are wanted at once are asked for together. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { readFields } from "../api/items";
import type { Item, Layer } from "../api/types";
import { titleFields } from "../format/label";
import { useUserName } from "./session";

/** A moment or an interval, and what was known when. */
export interface When {
  datetime?: string;
  knownAt?: string;
}

interface Asked {
  fid: number;
  found: (item: Item | null) => void;
  failed: (error: unknown) => void;
  signal?: AbortSignal;
}

// Rows that a wheel sends by are mounted frame by frame: their questions wait for one another until it rests, but not for ever.
const REST_MS = 50;
const LONGEST_MS = 250;
// More rows than this no screen shows, and a longer address some gateways cut.
const MOST = 100;

const waiting = new Map<string, { layer: Layer; when: When; asked: Asked[] }>();
let timer: ReturnType<typeof setTimeout> | undefined;
let since = 0;

async function send(layer: Layer, when: When, asked: Asked[]): Promise<void> {
  const none = new AbortController();
  let left = asked.length;
  for (const { signal } of asked) signal?.addEventListener("abort", () => (left -= 1) === 0 && none.abort(), { once: true });
  try {
    const fids = [...new Set(asked.map(({ fid }) => fid))].sort((a, b) => a - b);
    const items = new Map((await readFields(layer.id, fids, titleFields(layer).map(({ name }) => name), when, none.signal)).map((item) => [item.id, item]));
    // What is hidden from this reader and what is not there look the same.
    for (const { fid, found } of asked) found(items.get(fid) ?? null);
  } catch (error) {
    for (const { failed } of asked) failed(error);
  }
}

function sendAll(): void {
  timer = undefined;
  const groups = [...waiting.values()];
  waiting.clear();
  for (const { layer, when, asked } of groups) {
    // Who scrolled on while the question waited is not asked for.
    for (const { signal, failed } of asked) if (signal?.aborted) failed(signal.reason);
    const wanted = asked.filter(({ signal }) => !signal?.aborted);
    for (let start = 0; start < wanted.length; start += MOST) void send(layer, when, wanted.slice(start, start + MOST));
  }
}

function gather(layer: Layer, fid: number, when: When, signal?: AbortSignal): Promise<Item | null> {
  return new Promise((found, failed) => {
    const key = JSON.stringify([layer.id, when.datetime ?? null, when.knownAt ?? null]);
    const group = waiting.get(key) ?? { layer, when, asked: [] };
    waiting.set(key, group);
    group.asked.push({ fid, found, failed, signal });
    if (timer === undefined) since = Date.now();
    clearTimeout(timer);
    timer = setTimeout(sendAll, Math.max(0, Math.min(REST_MS, since + LONGEST_MS - Date.now())));
  });
}

/** How the naming fields of a feature are read for a reader; null where he does not see it, or it is not there then. */
export function titleQuery(layer: Layer | undefined, fid: number, when: When, name: string) {
  return queryOptions({
    queryKey: ["title", layer?.id, fid, when, name],
    queryFn: ({ signal }) => gather(layer!, fid, when, signal),
    enabled: layer !== undefined,
  });
}

/** Read the naming fields of a feature, together with those of all others on the screen. */
export function useTitle(layer: Layer | undefined, fid: number, when: When) {
  return useQuery(titleQuery(layer, fid, when, useUserName()));
}
