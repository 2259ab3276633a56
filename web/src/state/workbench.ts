/** Which page of the panel on the left is open. */
import { create } from "zustand";

export type Page = "layers" | "query" | "statistics" | "theme";
export const PAGES: Page[] = ["layers", "query", "statistics", "theme"];

export const useWorkbench = create<{ page: Page; setPage: (page: Page) => void }>()((set) => ({
  page: "layers",
  setPage: (page) => set({ page }),
}));
