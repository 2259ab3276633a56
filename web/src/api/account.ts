import { address, ask, askJson, Problem, setCsrfToken } from "./http";
import type { Account } from "./types";

interface SessionAnswer extends Account {
  csrf_token?: string;
}

function take(answer: SessionAnswer): Account {
  setCsrfToken(answer.csrf_token ?? "");
  return answer;
}

/** Read who is signed in; null for the public. */
export async function readAccount(): Promise<Account | null> {
  try {
    return take(await askJson<SessionAnswer>(address("auth/me")));
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) return null;
    throw problem;
  }
}

/** Sign in. Throws Problem 401 for a wrong pair, 429 or 423 when the account is locked for a while. */
export async function signIn(name: string, password: string): Promise<Account> {
  return take(await askJson<SessionAnswer>(address("auth/login"), { method: "POST", body: { name, password } }));
}

/** Sign out. */
export async function signOut(): Promise<void> {
  await ask(address("auth/logout"), { method: "POST" });
  setCsrfToken("");
}
