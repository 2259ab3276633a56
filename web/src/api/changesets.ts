import { address, askJson, noteSeq } from "./http";
import type { Applied, ChangesetRequest } from "./types";

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
