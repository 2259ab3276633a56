/** Which of a layer's styles the map draws: its own, one of its themes, or one that somebody has published. */
import type { Layer } from "../api/types";

/** Return the styles that were chosen and are (still) offered to this reader, by layer. */
export function chosenStyles(layers: Layer[], styles: Record<string, string>): Record<string, string> {
  return Object.fromEntries(layers.flatMap((layer) => {
    const name = styles[layer.id];
    return name && layer.styles?.some((style) => style.name === name) ? [[layer.id, name] as const] : [];
  }));
}

/** Return the styles among the chosen ones whose numbers are counted of another layer: [layer, counted layer]. */
export function countingStyles(layers: Layer[], chosen: Record<string, string>): [string, string][] {
  return layers.flatMap((layer) => {
    const counts = layer.styles?.find((style) => style.name === chosen[layer.id])?.counts;
    return counts ? [[layer.id, counts] as [string, string]] : [];
  });
}

/** Return a layer as the chosen one of its styles draws it. */
export function styledAs(layer: Layer, styles: Record<string, string>): Layer {
  const style = layer.styles?.find((each) => each.name === styles[layer.id]);
  if (!style) return layer;
  const { field: _field, per: _per, classes: _classes, color: _color, ...rest } = layer.symbology ?? {};
  return { ...layer, symbology: { ...rest, ...style.symbology }, ...(style.value ? { measured: style.value } : {}) };
}
