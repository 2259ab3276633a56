import { address, ask, askJson } from "./http";

export interface KeptQuery {
  id: number;
  layer: string;
  title: string;
  /** The client's own form of it. */
  conditions: unknown[];
}

/** Read the queries that the reader keeps. */
export async function readQueries(signal?: AbortSignal): Promise<KeptQuery[]> {
  return (await askJson<{ queries: KeptQuery[] }>(address("api/queries"), { signal })).queries;
}

/** Keep a query under a title; one of the same title is replaced. */
export function keepQuery(layer: string, title: string, conditions: unknown[], filter: Record<string, unknown>): Promise<KeptQuery> {
  return askJson(address("api/queries"), { method: "POST", body: { layer, title, conditions, filter } });
}

/** Forget a query. */
export async function forgetQuery(id: number): Promise<void> {
  await ask(address(`api/queries/${id}`), { method: "DELETE" });
}
