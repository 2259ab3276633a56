import type { Layer } from "../api/types";

/** Is a layer shown when the reader has not said anything about it? */
export function shownByDefault(layer: Layer): boolean {
  return layer.kind === "spatial" && layer.symbology?.visible !== false;
}

/** Return the drawable layers from the top down: as the reader has put them, else as their definitions say. */
export function topDown(layers: Layer[], order: string[]): Layer[] {
  const own = layers.filter((layer) => layer.kind === "spatial").sort((a, b) => (b.symbology?.order ?? 50) - (a.symbology?.order ?? 50));
  const named = order.flatMap((id) => own.find((layer) => layer.id === id) ?? []);
  if (named.length === 0) return own;
  const rest = own.filter((layer) => !named.includes(layer));
  // A layer that nobody has moved keeps its place above the first one it lay above.
  for (const layer of rest) {
    const below = named.findIndex((other) => (other.symbology?.order ?? 50) < (layer.symbology?.order ?? 50));
    named.splice(below < 0 ? named.length : below, 0, layer);
  }
  return named;
}

/** Return the order after a layer has been put before or after another. */
export function moved(layers: Layer[], order: string[], id: string, target: string, after: boolean): string[] {
  const ids = topDown(layers, order).map((layer) => layer.id).filter((other) => other !== id);
  const at = ids.indexOf(target);
  if (at < 0) return order;
  ids.splice(at + (after ? 1 : 0), 0, id);
  return ids;
}

/** Does a layer answer to a word: by title, description, group or one of its fields, in either language? */
export function answersTo(layer: Layer, group: { zh: string; en: string } | undefined, text: string): boolean {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const said = [layer.id, layer.title, layer.description, group, ...layer.fields.map((field) => field.title)]
    .flatMap((each) => (each === undefined ? [] : typeof each === "string" ? [each] : [each.zh, each.en])).join("\n").toLocaleLowerCase();
  return words.every((word) => said.includes(word));
}
