/** Keys of one's own; accounts for the security admin; the audit for the auditor. */
import { address, ask, askJson } from "./http";
import type { Text } from "./types";

export interface Key {
  id: number;
  prefix: string;
  title: string;
  layers: string[] | null;
  can_edit: boolean;
  created_at: string;
  expires_at: string;
  used_at: string | null;
}

export interface NewKey {
  title: string;
  layers: string[] | null;
  days: number;
  can_edit: boolean;
}

export interface AccountRow {
  account_id: number;
  username: string;
  display_name: string;
  roles: string[];
  /** Null is every district. */
  districts: string[] | null;
  must_change: boolean;
  is_disabled: boolean;
  last_login_at: string | null;
}

export interface RoleRow {
  role: string;
  title: Text;
  description: Text;
  machine_only: boolean;
}

export interface AuditEntry {
  id: number;
  at: string;
  event: string;
  actor: string | null;
  address: string | null;
  layer: string | null;
  fid: number | null;
  seq: number | null;
  reason: string | null;
  succeeded: boolean;
  detail: Record<string, unknown>;
}

export interface Verdict {
  rows: number;
  head_id: number;
  head_hash: string;
  broken_id: number | null;
  problem: string | null;
}

export type AuditQuestion = Partial<Record<"event" | "actor" | "from" | "to", string>> & { succeeded?: boolean };

/** List one's own keys. */
export async function readKeys(signal?: AbortSignal): Promise<Key[]> {
  return (await askJson<{ keys: Key[] }>(address("auth/keys"), { signal })).keys;
}

/** Make a key; what it is stands in this answer and nowhere else. */
export function makeKey(wish: NewKey): Promise<Key & { key: string }> {
  return askJson(address("auth/keys"), { method: "POST", body: wish });
}

export async function revokeKey(id: number): Promise<void> {
  await ask(address(`auth/keys/${id}`), { method: "DELETE" });
}

export async function readAccounts(signal?: AbortSignal): Promise<AccountRow[]> {
  return (await askJson<{ accounts: AccountRow[] }>(address("api/accounts"), { signal })).accounts;
}

/** Read the roles, and which of them nobody may hold together. */
export function readRoles(signal?: AbortSignal): Promise<{ roles: RoleRow[]; exclusive: string[][] }> {
  return askJson(address("api/roles"), { signal });
}

/** Make an account; its first password stands in this answer alone. */
export function makeAccount(wish: Pick<AccountRow, "username" | "display_name" | "roles" | "districts">): Promise<AccountRow & { password: string }> {
  return askJson(address("api/accounts"), { method: "POST", body: wish });
}

export function changeAccount(id: number, change: Partial<Pick<AccountRow, "display_name" | "roles" | "districts" | "is_disabled">>): Promise<AccountRow> {
  return askJson(address(`api/accounts/${id}`), { method: "PATCH", body: change });
}

/** Give an account a new first password. */
export async function resetPassword(id: number): Promise<string> {
  return (await askJson<{ password: string }>(address(`api/accounts/${id}/password`), { method: "POST" })).password;
}

/** Read a page of the audit, newest first; `before` asks for the page after. */
export function readAudit(question: AuditQuestion, before: number | null, signal?: AbortSignal): Promise<{ entries: AuditEntry[]; before: number | null }> {
  return askJson(address("api/audit", { ...question, before: before ?? undefined, limit: 50 }), { signal });
}

export async function readEvents(signal?: AbortSignal): Promise<Record<string, Text>> {
  return (await askJson<{ events: Record<string, Text> }>(address("api/audit/events"), { signal })).events;
}

/** Let the server walk the whole chain. */
export function verifyAudit(): Promise<Verdict> {
  return askJson(address("api/audit/verify"));
}
