/** The figure that is being drawn on the map: how many positions it has, and how to end it without a keyboard or a double click. */
import { create } from "zustand";

interface Pen {
  count: number;
  /** Absent while nothing can be ended. */
  finish: (() => void) | null;
  /** Take the last position back. */
  back: (() => void) | null;
}

export const usePen = create<Pen>()(() => ({ count: 0, finish: null, back: null }));

/** Nothing is being drawn any more. */
export function restPen(): void {
  usePen.setState({ count: 0, finish: null, back: null });
}
