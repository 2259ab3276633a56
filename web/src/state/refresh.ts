/** Keep an open browser true: what changes in the city expires what shows it. */
import { listenToChanges } from "../api/changes";
import type { ChangeEvent } from "../api/types";
import { create } from "zustand";
import { client } from "./queries";

interface Live {
  open: boolean | null;
  last: ChangeEvent | null;
}

/** Is the line to the server up, and what came over it last? The map redraws what `last` touched. */
export const useLive = create<Live>()(() => ({ open: null, last: null }));

/** Expire what panels have read of some layers. */
export function expire(layers: string[]): void {
  const touched = new Set(layers);
  void client.invalidateQueries({
    predicate: ({ queryKey }) => typeof queryKey[1] === "string" && touched.has(queryKey[1]),
  });
  void client.invalidateQueries({ queryKey: ["search"], refetchType: "none" });
}

/** Listen for changes; returns how to stop. */
export function keepFresh(): () => void {
  return listenToChanges(
    (event) => {
      useLive.setState({ last: event });
      expire(event.layers);
    },
    (open) => useLive.setState({ open }),
  );
}
