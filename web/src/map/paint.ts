/** Change style values without knowing what they say: opacity of a whole layer, colours by night. */
import type { LayerSpecification } from "maplibre-gl";
import { nightColor, nightInk, recolor } from "../format/night";

const OPACITY: Record<string, string[]> = {
  fill: ["fill-opacity"],
  line: ["line-opacity"],
  circle: ["circle-opacity", "circle-stroke-opacity"],
  symbol: ["text-opacity", "icon-opacity"],
  "fill-extrusion": ["fill-extrusion-opacity"],
  raster: ["raster-opacity"],
};

/**
 * Multiply a style value by a factor.
 *
 * Zoom may stand only at the top of an expression, so the factor goes to the outputs of a curve over zoom. What is not changed stays as
 * it is: of a value that looks new the map lays its tiles again.
 */
export function scaled(value: unknown, factor: number): unknown {
  if (factor === 1) return value;
  if (value === undefined || value === null) return factor;
  if (typeof value === "number") return value * factor;
  if (!Array.isArray(value)) return value;
  const [name] = value as unknown[];
  if (name === "interpolate") return value.map((part, i) => (i >= 4 && i % 2 === 0 ? scaled(part, factor) : part));
  if (name === "step") return value.map((part, i) => (i === 2 || (i > 2 && i % 2 === 0) ? scaled(part, factor) : part));
  return ["*", value, factor];
}

/** Return the opacity properties of a style layer, multiplied by a factor. */
export function opacityOf(layer: LayerSpecification, factor: number): [string, unknown][] {
  const paint = (layer.paint ?? {}) as Record<string, unknown>;
  return (OPACITY[layer.type] ?? []).map((property) => [property, scaled(paint[property], factor)]);
}

/** Return a style layer in the colours of a theme. */
export function themed(layer: LayerSpecification, dark: boolean): LayerSpecification {
  if (!dark || !layer.paint) return layer;
  const paint = Object.fromEntries(Object.entries(layer.paint).map(([property, value]) => {
    if (property === "text-color") return [property, recolor(value, nightInk)];
    if (property === "text-halo-color") return [property, "#15191d"];
    return property.endsWith("color") ? [property, recolor(value, nightColor)] : [property, value];
  }));
  return { ...layer, paint } as LayerSpecification;
}
