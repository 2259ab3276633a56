/** Who is at the screen. */
import { create } from "zustand";
import { readAccount, signIn, signOut } from "../api/account";
import { onExpired } from "../api/http";
import type { Account } from "../api/types";

interface Session {
  account: Account | null;
  known: boolean;
  /** Is the sign-in form open, and because the session ended? */
  form: "closed" | "open" | "expired";
  load: () => Promise<void>;
  signIn: (name: string, password: string) => Promise<void>;
  signOut: () => Promise<void>;
  setForm: (form: "closed" | "open" | "expired") => void;
}

export const useSession = create<Session>()((set) => ({
  account: null,
  known: false,
  form: "closed",
  load: async () => set({ account: await readAccount(), known: true }),
  signIn: async (name, password) => {
    const account = await signIn(name, password);
    set({ account, form: "closed" });
  },
  signOut: async () => {
    await signOut();
    set({ account: null });
  },
  setForm: (form) => set({ form }),
}));

onExpired(() => useSession.setState({ form: "expired", account: null }));
