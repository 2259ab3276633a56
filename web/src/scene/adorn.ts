/** What a style says of a layer, and over it what only code can: features that are kept out, and those in a colour of their own. */
import type { Cesium3DTileFeature, Cesium3DTileStyle, Color } from "@cesium/engine";

export interface Adornment {
  /** Is it left out, though the style shows it? */
  out?: (feature: Cesium3DTileFeature) => boolean;
  /** Is it shown, though the style does not? */
  also?: (feature: Cesium3DTileFeature) => boolean;
  tint?: (feature: Cesium3DTileFeature) => Color | undefined;
}

interface Evaluated {
  evaluate: (feature: Cesium3DTileFeature, result?: unknown) => unknown;
  evaluateColor: (feature: Cesium3DTileFeature, result?: Color) => Color;
}

/** Put adornments on a style. Styles of tiles take any object that can evaluate a feature. */
export function adorned(style: Cesium3DTileStyle, adornments: Adornment[]): Cesium3DTileStyle {
  const outs = adornments.flatMap(({ out }) => out ?? []);
  const alsos = adornments.flatMap(({ also }) => also ?? []);
  const tints = adornments.flatMap(({ tint }) => tint ?? []);
  const show = style.show as unknown as Evaluated;
  const color = style.color as unknown as Evaluated;
  if (outs.length + alsos.length > 0) {
    const evaluate: Evaluated["evaluate"] = (feature, result) =>
      (Boolean(show.evaluate(feature, result)) || alsos.some((also) => also(feature))) && !outs.some((out) => out(feature));
    style.show = { evaluate, evaluateColor: show.evaluateColor } as unknown as Cesium3DTileStyle["show"];
  }
  if (tints.length > 0) {
    const evaluateColor: Evaluated["evaluateColor"] = (feature, result) => {
      for (const tint of tints) {
        const found = tint(feature);
        if (found) return found.clone(result);
      }
      return color.evaluateColor(feature, result);
    };
    style.color = { evaluate: evaluateColor, evaluateColor } as unknown as Cesium3DTileStyle["color"];
  }
  return style;
}

/** Visit what is loaded of a layer. */
export function eachLoaded(root: LoadedTile | undefined, visit: (feature: Cesium3DTileFeature) => void): void {
  if (!root) return;
  const { content } = root;
  for (let i = 0; i < (content?.featuresLength ?? 0); i += 1) visit(content!.getFeature(i));
  root.children.forEach((child) => eachLoaded(child, visit));
}

/** A tile of a tileset, as far as one looks into it. */
export interface LoadedTile {
  content?: { featuresLength: number; getFeature: (index: number) => Cesium3DTileFeature };
  children: LoadedTile[];
}
