import type { StyleSpecification } from "maplibre-gl";
import { address, askJson } from "./http";

/** Read the style of the city's layers that the reader may see. Its sources are named after the layers. */
export function readStyle(signal?: AbortSignal): Promise<StyleSpecification> {
  return askJson(address("ogc/styles/city", { f: "mapbox" }), { signal });
}

/** Read another style of a layer than its own; one that counts what lies in features carries the numbers of a moment. */
export function readLayerStyle(
  layer: string, name: string, when: { datetime?: string; knownAt?: string } = {}, signal?: AbortSignal,
): Promise<StyleSpecification> {
  return askJson(address(`ogc/styles/${layer}.${name}`, { f: "mapbox", datetime: when.datetime, "known-at": when.knownAt }), { signal });
}

/** Return the address of a layer's vector tiles at a moment, with `{z}/{y}/{x}` to be filled in. */
export function tileAddress(
  layer: string, when: { datetime?: string; knownAt?: string }, filter: Record<string, unknown> | null = null,
): string {
  const parameters = new URLSearchParams();
  if (when.datetime) parameters.set("datetime", when.datetime);
  if (when.knownAt) parameters.set("known-at", when.knownAt);
  if (filter) {
    parameters.set("filter", JSON.stringify(filter));
    parameters.set("filter-lang", "cql2-json");
  }
  const query = parameters.size > 0 ? `?${parameters}` : "";
  // Not through URL: it would escape the braces that the map fills in.
  return `${address(`ogc/collections/${layer}/tiles/WebMercatorQuad`)}/{z}/{y}/{x}${query}`;
}
