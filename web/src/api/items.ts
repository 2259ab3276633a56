import { address, askJson } from "./http";
import type { Item, Page, Version } from "./types";

export type Box = [number, number, number, number];

/** Which features of a layer: the same question for table, count and export. */
export interface Question {
  layer: string;
  datetime?: string;
  knownAt?: string;
  filter?: Record<string, unknown> | null;
  bbox?: Box | null;
  sort?: { field: string; descending: boolean } | null;
  properties?: string[];
}

export type Parameters = Record<string, string | number | boolean | undefined>;

function itemsPath(layer: string): string {
  return `ogc/collections/${encodeURIComponent(layer)}/items`;
}

/** Write a question as the parameters of an address. */
export function parametersOf(question: Question): Parameters {
  return {
    datetime: question.datetime,
    "known-at": question.knownAt,
    filter: question.filter ? JSON.stringify(question.filter) : undefined,
    "filter-lang": question.filter ? "cql2-json" : undefined,
    bbox: question.bbox ? question.bbox.map((n) => n.toFixed(7)).join(",") : undefined,
    sortby: question.sort ? `${question.sort.descending ? "-" : "+"}${question.sort.field}` : undefined,
    properties: question.properties?.join(","),
  };
}

interface Collection {
  features: Item[];
  numberMatched?: number;
  numberReturned: number;
  links?: { rel: string; href: string }[];
}

function cursorOf(collection: Collection): string | null {
  const next = collection.links?.find((link) => link.rel === "next");
  return next ? new URL(next.href, document.baseURI).searchParams.get("cursor") : null;
}

/** Read one page of features, without geometry unless asked for. */
export async function readPage(
  question: Question,
  paging: { limit: number; cursor?: string | null; geometry?: boolean },
  signal?: AbortSignal,
): Promise<Page> {
  const collection = await askJson<Collection>(
    address(itemsPath(question.layer), {
      ...parametersOf(question),
      limit: paging.limit,
      cursor: paging.cursor ?? undefined,
      skipGeometry: paging.geometry ? undefined : true,
      f: "json",
    }),
    { signal, headers: { Accept: "application/geo+json" } },
  );
  return { ...collection, next: cursorOf(collection) };
}

/** Count the features that a question means. */
export async function countItems(question: Question, signal?: AbortSignal): Promise<number> {
  const { sort: _sort, properties: _properties, ...counted } = question;
  const answer = await askJson<Collection>(
    address(itemsPath(question.layer), { ...parametersOf(counted), resulttype: "hits", f: "json" }), { signal });
  return answer.numberMatched ?? 0;
}

/** Read one feature as of a moment. */
export async function readItem(
  layer: string, fid: number, when: { datetime?: string; knownAt?: string } = {}, signal?: AbortSignal,
): Promise<Item> {
  const url = address(`${itemsPath(layer)}/${fid}`, { datetime: when.datetime, "known-at": when.knownAt, f: "json" });
  return askJson<Item>(url, { signal, headers: { Accept: "application/geo+json" } });
}

/** Read features of a layer by number, with their geometries. */
export async function readByIds(
  layer: string, fids: number[], when: { datetime?: string; knownAt?: string }, signal?: AbortSignal,
): Promise<Item[]> {
  const url = address(itemsPath(layer), {
    ids: fids.join(","), limit: fids.length, datetime: when.datetime, "known-at": when.knownAt, f: "json",
  });
  return (await askJson<Collection>(url, { signal, headers: { Accept: "application/geo+json" } })).features;
}

// Of an interval every version comes; more of one feature than this are rare, and what is left out is shown by its number.
const VERSIONS_EACH = 10;

/** Read some fields of features of a layer by number, without geometry; of an interval, the last version of each. What the reader may not see is left out. */
export async function readFields(
  layer: string, fids: number[], properties: string[], when: { datetime?: string; knownAt?: string }, signal?: AbortSignal,
): Promise<Item[]> {
  const url = address(itemsPath(layer), {
    ids: fids.join(","), limit: fids.length * (when.datetime?.includes("/") ? VERSIONS_EACH : 1), skipGeometry: true,
    properties: properties.join(",") || undefined, datetime: when.datetime, "known-at": when.knownAt, f: "json",
  });
  const { features } = await askJson<Collection>(url, { signal, headers: { Accept: "application/geo+json" } });
  const since = (item: Item) => Date.parse(String(item.properties.valid_from ?? "")) || -Infinity;
  return [...new Map(features.sort((a, b) => since(a) - since(b)).map((item) => [item.id, item])).values()];
}

/** Read all versions of a feature, on both axes of time. */
export async function readVersions(layer: string, fid: number, signal?: AbortSignal): Promise<Version[]> {
  const answer = await askJson<{ versions: Version[] }>(address(`${itemsPath(layer)}/${fid}/versions`), { signal });
  return answer.versions;
}
