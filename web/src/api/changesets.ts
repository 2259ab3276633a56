import { address, askJson, noteSeq } from "./http";
import type { Applied, ChangesetRequest, Fault } from "./types";

/** Write a changeset: all of it or nothing. */
export async function applyChangeset(request: ChangesetRequest): Promise<Applied> {
  const applied = await askJson<Applied>(address("api/changesets"), { method: "POST", body: request });
  noteSeq(applied.seq);
  return applied;
}

/** Undo a changeset by its inverse; refused (409) with the list when later edits depend on it. */
export async function undoChangeset(seq: number, reason: string): Promise<Applied> {
  const applied = await askJson<Applied>(address(`api/changesets/${seq}/undo`), { method: "POST", body: { reason } });
  noteSeq(applied.seq);
  return applied;
}

/** Ask what a changeset would be refused for; nothing is written. Throws Problem 412 where a version has been overtaken. */
export async function checkChangeset(request: ChangesetRequest, signal?: AbortSignal): Promise<Fault[]> {
  const answer = await askJson<{ faults: Fault[] }>(address("api/changesets", { check: true }), { method: "POST", body: request, signal });
  return answer.faults;
}
