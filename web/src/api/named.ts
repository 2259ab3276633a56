import type { Selected, Where } from "./statistics";
import { address, askJson } from "./http";

/** Tell how many features of a layer pass a filter in a place, and name the first of them; nothing is kept of the answer. */
export function nameFeatures(where: Where, layer: string, filter: Record<string, unknown>, limit: number, signal?: AbortSignal): Promise<Selected> {
  return askJson(address("api/selection"), { method: "POST", body: { ...where, layer, filter, limit }, signal });
}
