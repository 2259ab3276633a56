import { address, ask, askJson, setCsrfToken } from "./http";
import type { Account } from "./types";

interface SessionAnswer {
  account: Omit<Account, "capabilities"> | null;
  capabilities: string[];
  csrf: string | null;
  expires_at: string | null;
}

function take(answer: SessionAnswer): Account | null {
  setCsrfToken(answer.csrf ?? "");
  return answer.account && { ...answer.account, capabilities: answer.capabilities };
}

/** Read who is signed in; null for the public, also when a session has ended. */
export async function readAccount(): Promise<Account | null> {
  return take(await askJson<SessionAnswer>(address("auth/me")));
}

/** Sign in. Throws Problem 401 for a wrong pair, 429 while the account is locked. */
export async function signIn(username: string, password: string): Promise<Account | null> {
  return take(await askJson<SessionAnswer>(address("auth/login"), { method: "POST", body: { username, password } }));
}

/** Change one's own password; all other sessions of the account end. */
export async function changePassword(oldPassword: string, newPassword: string): Promise<void> {
  await ask(address("auth/password"), { method: "POST", body: { old_password: oldPassword, new_password: newPassword } });
}

/** Sign out. */
export async function signOut(): Promise<void> {
  await ask(address("auth/logout"), { method: "POST" });
  setCsrfToken("");
}
