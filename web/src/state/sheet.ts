/** The sheet that is being set up for printing: the map shows its frame. */
import { create } from "zustand";

interface Sheet {
  open: boolean;
  /** Size of what is printed, in metres on the ground; null while it is not known. */
  frame: { width_m: number; height_m: number } | null;
}

export const useSheet = create<Sheet>()(() => ({ open: false, frame: null }));
