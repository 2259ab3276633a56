/** What the tools of the scene are set to; the view itself (camera, time, selection) is in the view state. */
import { create } from "zustand";
import type { Filtered } from "./filter";
import type { Measured } from "./measure";
import type { Sun } from "./sun";

interface SceneTools {
  underground: boolean;
  pit: boolean;
  /** Imagery on the ground instead of the map? */
  imagery: boolean;
  sun: Sun | null;
  measured: Measured | null;
  points: number;
  loading: boolean;
  failed: string[];
  /** What became of each filtered layer. */
  filtered: Map<string, Filtered>;
}

export const useScene = create<SceneTools>()(() => ({
  underground: false, pit: false, imagery: false, sun: null, measured: null, points: 0, loading: true, failed: [], filtered: new Map(),
}));
