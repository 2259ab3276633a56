import { create } from "zustand";

/** Which changeset the reader wants to undo; the dialog asks before it does. */
export const useUndo = create<{ seq: number | null }>()(() => ({ seq: null }));

/** Ask whether a changeset is to be undone. */
export function askUndo(seq: number): void {
  useUndo.setState({ seq });
}
