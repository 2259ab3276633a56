/** The change list: what was built, ended and changed between two days, for the table and for every map. */
import { create } from "zustand";
import type { Difference } from "../api/timeline";

interface Changed {
  /** Is the list open? */
  open: boolean;
  layer: string | null;
  listed: Difference[];
  /** The version of a feature that is shown beside the one before it; null while none is. */
  shownVersion: number | null;
}

export const useChanged = create<Changed>()(() => ({ open: false, layer: null, listed: [], shownVersion: null }));
