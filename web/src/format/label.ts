import type { Item, Layer } from "../api/types";
import { formatValue } from "./value";
import type { Language } from "./text";

/** Return what a feature is called: its label, else its key, else its number. */
export function labelOf(layer: Layer, item: Pick<Item, "id" | "properties">, language: Language): string {
  for (const name of [layer.label, layer.key]) {
    const field = layer.fields.find((candidate) => candidate.name === name);
    const value = field && formatValue(field, item.properties[field.name], language, "UTC");
    if (value) return value;
  }
  return `#${item.id}`;
}
