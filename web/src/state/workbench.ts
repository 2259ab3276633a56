/** Which page of the panel on the left is open. */
import { create } from "zustand";

export type Page = "layers" | "statistics";
export const PAGES: Page[] = ["layers", "statistics"];

export const useWorkbench = create<{ page: Page; setPage: (page: Page) => void }>()((set) => ({
  page: "layers",
  setPage: (page) => set({ page }),
}));
