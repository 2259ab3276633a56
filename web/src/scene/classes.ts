/** The colours of a chosen style on what stands in the scene: the class of each feature by what its tiles hold, as on the map. */
import { type Cesium3DTileFeature, Cesium3DTileColorBlendMode, type Cesium3DTileset, type Cesium3DTileStyle, Color } from "@cesium/engine";
import type { Layer } from "../api/types";

export type ColorOf = (feature: Cesium3DTileFeature) => Color;

const PLAIN = "#b9bfc5";

/** Return the colour of each feature in a style of its layer; undefined for a style without classes. */
export function classColors({ symbology, measured }: Layer): ColorOf | undefined {
  const { field, per, classes = [], color = PLAIN } = symbology ?? {};
  // What is divided by an area or counted of another layer is in no tile of the scene.
  if (measured || !field || classes.length === 0) return undefined;
  const paints = classes.map((each) => ({ ...each, paint: Color.fromCssColorString(each.color) }));
  const none = Color.fromCssColorString(color);
  const other = paints.find((each) => each.value === undefined && each.below === undefined)?.paint ?? none;
  const known = new Map(paints.flatMap((each) => (each.value === undefined ? [] : [[String(each.value), each.paint] as const])));
  const steps = paints.flatMap((each) => (each.below === undefined ? [] : [{ below: each.below, paint: each.paint }])).sort((a, b) => a.below - b.below);
  return (feature) => {
    const value = feature.getProperty(field) as unknown;
    const is = value !== undefined && value !== null && value !== "";
    if (known.size > 0) return (is ? known.get(String(value)) : undefined) ?? other;
    const share = per ? Number(feature.getProperty(per)) : 1;
    const number = Number(value) / share;
    if (!is || !Number.isFinite(number)) return none;
    return steps.find(({ below }) => number < below)?.paint ?? other;
  };
}

/** Paint a layer's tiles by classes under what else its style says of single features; without classes they have the colours they came with. */
export function painted(style: Cesium3DTileStyle, tileset: Cesium3DTileset, colorOf: ColorOf | undefined, isChosen: (feature: Cesium3DTileFeature) => boolean,
  opacity: number): Cesium3DTileStyle {
  tileset.colorBlendMode = colorOf ? Cesium3DTileColorBlendMode.REPLACE : Cesium3DTileColorBlendMode.HIGHLIGHT;
  if (!colorOf) return style;
  const base = style.color as unknown as { evaluateColor: (feature: Cesium3DTileFeature, result?: Color) => Color };
  const evaluateColor = (feature: Cesium3DTileFeature, result?: Color): Color =>
    (isChosen(feature) ? base.evaluateColor(feature, result) : colorOf(feature).withAlpha(opacity, result ?? new Color()));
  style.color = { evaluate: evaluateColor, evaluateColor } as unknown as Cesium3DTileStyle["color"];
  return style;
}
