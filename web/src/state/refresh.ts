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

/** Let everything on the screen read again what it shows of some layers. */
export function announce(layers: string[]): void {
  useLive.setState({ touched: layers });
  const touched = new Set(layers);
  void client.invalidateQueries({
    predicate: ({ queryKey }) => typeof queryKey[1] === "string" && touched.has(queryKey[1]),
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
