import { create } from "zustand";

/** Which panel of the desk is open: one's keys, the accounts, or the audit. */
export const useDesk = create<{ panel: "keys" | "accounts" | "audit" | null }>()(() => ({ panel: null }));
