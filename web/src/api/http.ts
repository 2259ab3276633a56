/**
 * The one place that talks to the server.
 *
 * It sends the anti-forgery token with writes, and the highest changeset number this browser has seen with every
 * request, so that no process of the server answers with an older state than the reader already knows.
 */
import type { Fault, Item } from "./types";

/** An answer of the server that is no success (RFC 9457), or no answer at all (status 0). */
export class Problem extends Error {
  readonly status: number;
  readonly parameter?: string;
  readonly faults?: (Fault | string)[];
  readonly members: Record<string, unknown>;

  constructor(status: number, members: Record<string, unknown>) {
    super(String(members.detail ?? members.title ?? `HTTP ${status}`));
    this.name = "Problem";
    this.status = status;
    this.members = members;
    this.parameter = members.parameter as string | undefined;
    this.faults = members.faults as (Fault | string)[] | undefined;
  }

  /** The version that stands now, when the edited one is not it any more (412). */
  get theirs(): Item | null | undefined {
    return this.members.theirs as Item | null | undefined;
  }
}

interface Asking {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

const link = { csrf: "", seq: 0, language: "zh" };
const listeners = { expired: new Set<() => void>(), seq: new Set<(seq: number) => void>() };

/** Keep the anti-forgery token of the session; empty when signed out. */
export function setCsrfToken(token: string): void {
  link.csrf = token;
}

/** Say in which language the server's sentences are to be. */
export function setAnswerLanguage(language: string): void {
  link.language = language;
}

/** Return the language that the server is asked to answer in. */
export function answerLanguage(): string {
  return link.language;
}

/** Return the highest changeset number seen. */
export function seenSeq(): number {
  return link.seq;
}

/** Remember a changeset number, if it is higher than all before. */
export function noteSeq(seq: number): void {
  if (!(seq > link.seq)) return;
  link.seq = seq;
  listeners.seq.forEach((listener) => listener(seq));
}

/** Be told when the server says that the session is over; returns how to stop. */
export function onExpired(listener: () => void): () => void {
  listeners.expired.add(listener);
  return () => listeners.expired.delete(listener);
}

/** Return the absolute address of a path below the client's own base. */
export function address(path: string, parameters: Record<string, string | number | boolean | undefined> = {}): string {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** Ask the server and return the raw response; throws Problem for anything but 2xx. */
export async function ask(url: string, asking: Asking = {}): Promise<Response> {
  const method = asking.method ?? "GET";
  const headers: Record<string, string> = {
    Accept: "application/json", "Accept-Language": link.language, ...asking.headers,
  };
  if (link.seq > 0) headers["Gis-Seq"] = String(link.seq);
  if (method !== "GET" && link.csrf) headers["X-CSRF-Token"] = link.csrf;
  if (asking.body !== undefined) headers["Content-Type"] ??= "application/json";
  let response: Response;
  try {
    response = await fetch(url, {
      method, headers, signal: asking.signal, credentials: "same-origin",
      body: asking.body === undefined ? undefined : JSON.stringify(asking.body),
    });
  } catch (error) {
    if (asking.signal?.aborted) throw error;
    throw new Problem(0, { title: "unreachable" });
  }
  noteSeq(Number(response.headers.get("Gis-Seq") ?? 0));
  if (response.ok) return response;
  const members = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.status === 401 && link.csrf) listeners.expired.forEach((listener) => listener());
  throw new Problem(response.status, { title: response.statusText, ...members });
}

/** Ask the server for JSON. */
export async function askJson<T>(url: string, asking: Asking = {}): Promise<T> {
  const response = await ask(url, asking);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
