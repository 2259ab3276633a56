import { address, askJson } from "./http";
import type { SearchHit } from "./types";

/** Search names, addresses, codes and initials; the best first. */
export async function search(
  text: string, options: { limit: number; datetime?: string; near?: string }, signal?: AbortSignal,
): Promise<SearchHit[]> {
  const answer = await askJson<{ results: SearchHit[] }>(
    address("api/search", { q: text, limit: options.limit, datetime: options.datetime, near: options.near }), { signal });
  return answer.results;
}
