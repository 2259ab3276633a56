/** Styles of layers that people publish. */
import { address, ask, askJson } from "./http";
import type { Text } from "./types";
import type { ValueAsked } from "./thematic";

export interface PublishedStyle {
  id: number;
  /** Its name among the styles of its layer. */
  name: string;
  layer: string;
  title: string;
  version: number;
  owner: string | null;
  mine: boolean;
  may_withdraw: boolean;
  /** Why it can no longer be drawn; null where it can. */
  fault: Text | null;
}

export interface NewStyle {
  layer: string;
  title: string;
  value: ValueAsked;
  breaks: number[];
  colors: string[];
  sizes?: number[];
  no_data: string;
}

/** Read the published styles of the layers that the reader may read. */
export async function readPublished(signal?: AbortSignal): Promise<PublishedStyle[]> {
  return (await askJson<{ styles: PublishedStyle[] }>(address("api/styles"), { signal })).styles;
}

/** Publish a style; one of one's own of the same title becomes its next version. */
export function publishStyle(style: NewStyle): Promise<PublishedStyle> {
  return askJson(address("api/styles"), { method: "POST", body: style });
}

/** Take a published style away from everybody. */
export async function withdrawStyle(id: number): Promise<void> {
  await ask(address(`api/styles/${id}`), { method: "DELETE" });
}
