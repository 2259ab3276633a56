/** Who is at the screen. */
import { create } from "zustand";
import { changePassword, readAccount, signIn, signOut } from "../api/account";
import { onExpired } from "../api/http";
import type { Account } from "../api/types";

interface Session {
  account: Account | null;
  /** Has the server been asked who this is? */
  known: boolean;
  /** Which form is open: none, to sign in, to sign in again because the session ended, or to change a first password. */
  form: "closed" | "open" | "expired" | "password";
  load: () => Promise<void>;
  signIn: (name: string, password: string) => Promise<void>;
  changePassword: (oldPassword: string, newPassword: string) => Promise<void>;
  signOut: () => Promise<void>;
  setForm: (form: Session["form"]) => void;
  /** Ask again whether the session still holds. */
  check: () => Promise<void>;
}

export const useSession = create<Session>()((set, get) => ({
  account: null,
  known: false,
  form: "closed",
  load: async () => {
    const account = await readAccount();
    set({ account, known: true, form: account?.must_change ? "password" : "closed" });
  },
  signIn: async (name, password) => {
    const account = await signIn(name, password);
    set({ account, form: account?.must_change ? "password" : "closed" });
  },
  changePassword: async (oldPassword, newPassword) => {
    await changePassword(oldPassword, newPassword);
    await get().load();
  },
  signOut: async () => {
    await signOut();
    set({ account: null });
  },
  setForm: (form) => set({ form }),
  check: async () => {
    const before = get().account;
    if (!before) return;
    const account = await readAccount();
    if (!account) set({ account: null, form: "expired" });
  },
}));

onExpired(() => useSession.setState({ form: "expired", account: null }));

/** Return the name of who is signed in; empty for the public. */
export function useUserName(): string {
  return useSession((session) => session.account?.username ?? "");
}

/** Return who reads: another name, or the same once a first password has been changed, sees another city. */
export function readerOf({ account }: Pick<Session, "account">): string {
  return account ? `${account.username}${account.must_change ? " (first password)" : ""}` : "";
}

const CHECK_MS = 5 * 60_000;

/** Notice when the session ends: a reader who lost it silently would only wonder where the layers went. */
export function watchSession(): () => void {
  const check = () => {
    if (document.visibilityState === "visible") void useSession.getState().check().catch(() => undefined);
  };
  const timer = window.setInterval(check, CHECK_MS);
  document.addEventListener("visibilitychange", check);
  return () => {
    window.clearInterval(timer);
    document.removeEventListener("visibilitychange", check);
  };
}
