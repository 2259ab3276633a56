import { address, askJson } from "./http";
import type { Item, Properties } from "./types";

/** Read a feature with its personal fields; the reason is in the audit log before anything is read. */
export async function readPersonal(layer: string, fid: number, reason: string): Promise<Properties> {
  const url = address(`ogc/collections/${encodeURIComponent(layer)}/items/${fid}`, { f: "json" });
  const item = await askJson<Item>(url, { headers: { Accept: "application/geo+json", "Gis-Reason": encodeURIComponent(reason) } });
  return item.properties;
}
