import { address, ask, askJson } from "./http";

/** A view kept on the server; `state` is what the view state says, less what the reader may not see. */
export interface KeptView {
  id: string;
  title: string | null;
  sharing: "private" | "role" | "public";
  role: string | null;
  mine: boolean;
  owner: string | null;
  href: string;
  changed_at: string;
  state: object;
  complete: boolean;
}

type Wish = Partial<Pick<KeptView, "title" | "sharing" | "role" | "state">>;

/** Read the bookmarks that one may open, the newest first. */
export async function readViews(signal?: AbortSignal): Promise<KeptView[]> {
  return (await askJson<{ views: KeptView[] }>(address("api/views"), { signal })).views;
}

/** Read one kept view. Throws Problem 404 where there is none for this reader. */
export function readView(id: string): Promise<KeptView> {
  return askJson<KeptView>(address(`api/views/${id}`));
}

/** Keep a view; with a title it is a bookmark, without one a link. */
export function keepView(wish: Wish): Promise<KeptView> {
  return askJson<KeptView>(address("api/views"), { method: "POST", body: wish });
}

/** Change a kept view of one's own. */
export function changeView(id: string, wish: Wish): Promise<KeptView> {
  return askJson<KeptView>(address(`api/views/${id}`), { method: "PATCH", body: wish });
}

/** Forget a kept view of one's own. */
export async function forgetView(id: string): Promise<void> {
  await ask(address(`api/views/${id}`), { method: "DELETE" });
}
