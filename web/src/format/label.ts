import type { Item, Layer, LayerField } from "../api/types";
import { formatValue } from "./value";
import type { Language } from "./text";

/** Return the fields that say what a feature is called, the best first: label and key of its layer, then its codes and its address. */
export function titleFields(layer: Layer): LayerField[] {
  const named = [layer.label, layer.key].map((name) => layer.fields.find((field) => field.name === name));
  const found = (["code", "address"] as const).flatMap((search) => layer.fields.filter((field) => field.search === search));
  return [...new Set([...named, ...found])].filter((field) => field !== undefined && !field.personal) as LayerField[];
}

/** Return what a feature is called: the first of its naming fields that has a value, else its number. */
export function labelOf(layer: Layer, item: Pick<Item, "id" | "properties">, language: Language): string {
  for (const field of titleFields(layer)) {
    const value = formatValue(field, item.properties[field.name], language, "UTC");
    if (value) return value;
  }
  return `#${item.id}`;
}
