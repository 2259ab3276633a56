import { address, askJson } from "./http";

/** Return the ids of the layers whose records in the catalogue match words, or a box in degrees. */
export async function findRecords(question: { q?: string; bbox?: string }, signal?: AbortSignal): Promise<Set<string>> {
  const found = await askJson<{ features: { id: string }[] }>(address("ogc/collections/catalogue/items", { ...question, limit: 1000, f: "geojson" }), { signal });
  return new Set(found.features.map((record) => record.id));
}
