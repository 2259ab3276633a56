/** The change list: what was built, ended and changed between two days, for the table and for every map. */
import { create } from "zustand";
import type { Difference } from "../api/timeline";

interface Changed {
  /** Is the list open? */
  open: boolean;
  layer: string | null;
  listed: Difference[];
}

export const useChanged = create<Changed>()(() => ({ open: false, layer: null, listed: [] }));
