import { create } from "zustand";

/** Which panel of the desk is open: one's keys, the accounts, the audit, or the hosts of other services. */
export const useDesk = create<{ panel: "keys" | "accounts" | "audit" | "hosts" | null }>()(() => ({ panel: null }));
