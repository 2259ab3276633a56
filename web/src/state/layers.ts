import type { Layer } from "../api/types";

/** Is a layer shown when the reader has not said anything about it? */
export function shownByDefault(layer: Layer): boolean {
  return layer.kind === "spatial" && layer.symbology?.visible !== false;
}
