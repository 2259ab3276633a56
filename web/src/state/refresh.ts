/** Keep an open browser true: what changes in the city expires what shows it. */
import { listenToChanges } from "../api/changes";
import { create } from "zustand";
import { client } from "./queries";

interface Live {
  open: boolean | null;
  touched: string[];
}

/** Is the line to the server up, and which layers did it tell of last? The map redraws them. */
export const useLive = create<Live>()(() => ({ open: null, touched: [] }));

/** Return the other layers that a question depends on: the last part of its key may name them. */
function watched(part: unknown): string[] {
  const found = part !== null && typeof part === "object" && "watch" in part ? part.watch : null;
  return Array.isArray(found) ? found.map(String) : [];
}

/** Let everything on the screen read again what it shows of some layers. */
export function announce(layers: string[]): void {
  useLive.setState({ touched: layers });
  const touched = new Set(layers);
  void client.invalidateQueries({
    predicate: ({ queryKey }) => (typeof queryKey[1] === "string" && touched.has(queryKey[1])) || watched(queryKey.at(-1)).some((layer) => touched.has(layer)),
  });
  void client.invalidateQueries({ queryKey: ["search"], refetchType: "none" });
}

// An import or a busy office makes many changesets a second; maps need not follow each of them.
const GATHER_MS = 200;

/** Listen for changes; returns how to stop. */
export function keepFresh(): () => void {
  const touched = new Set<string>();
  let timer = 0;
  const tell = () => {
    timer = 0;
    announce([...touched]);
    touched.clear();
  };
  const stop = listenToChanges(
    ({ layers }) => {
      layers.forEach((layer) => touched.add(layer));
      timer ||= window.setTimeout(tell, GATHER_MS);
    },
    (open) => useLive.setState({ open }),
  );
  return () => {
    window.clearTimeout(timer);
    stop();
  };
}
