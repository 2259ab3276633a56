/** Operations on the geometry of the draft: the server computes them, so that what is saved is what was shown. */
import type { Geometry } from "geojson";
import { cutHole, fillHole, type Made, mergeGeometries, moveGeometry, reshapeGeometry, splitGeometry } from "../api/geometry";
import { Problem } from "../api/http";
import type { Item, Layer } from "../api/types";
import { multiOf } from "../format/parts";
import { useDraft } from "./draft";
import { type Piece, valuesOfPiece } from "./requests";

/** Run one operation: its result becomes a step of the draft, its refusal the draft's problem. */
async function run<T>(ask: () => Promise<T>, take: (result: T) => void): Promise<void> {
  const { change } = useDraft.getState();
  const before = useDraft.getState().draft;
  change({ working: true, problem: null });
  try {
    const result = await ask();
    // Closed, or drawn on, meanwhile: an answer to an older geometry is no answer.
    if (useDraft.getState().draft?.geometry === before?.geometry) take(result);
    change({ working: false });
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    change({ working: false, problem });
  }
}

function take(made: Made): void {
  const { draft, setGeometry, change } = useDraft.getState();
  if (!draft) return;
  setGeometry(multiOf(made.geometry, draft.layer.geometry ?? "Geometry"));
  change({ sketch: "change" });
}

/** Apply what was drawn for an operation: a line, a ring or a point. */
export function operate(drawn: Geometry): Promise<void> {
  const { draft } = useDraft.getState();
  const own = draft?.geometry;
  if (!draft || !own) return Promise.resolve();
  switch (draft.sketch) {
    case "split":
      return run(() => splitGeometry(own, drawn), (parts) => {
        const pieces = parts.map((part, index): Piece => ({
          geometry: multiOf(part.geometry, draft.layer.geometry ?? "Geometry"), areaM2: part.area_m2, lengthM: part.length_m,
          values: valuesOfPiece(draft.layer, draft.values, index + 1, part.area_m2),
        }));
        useDraft.getState().setGeometry(own, pieces);
        useDraft.getState().change({ sketch: "off" });
      });
    case "reshape":
      return run(() => reshapeGeometry(own, drawn), take);
    case "hole":
      return run(() => cutHole(own, drawn), take);
    case "fill":
      return run(() => fillHole(own, drawn), take);
    default:
      return Promise.resolve();
  }
}

/** Fill all holes of the draft's geometry. */
export function fillAll(): Promise<void> {
  const own = useDraft.getState().draft?.geometry;
  return own ? run(() => fillHole(own), take) : Promise.resolve();
}

/** Move and turn the geometry of the draft. */
export function moveBy(eastM: number, northM: number, rotateDeg: number): Promise<void> {
  const own = useDraft.getState().draft?.geometry;
  return own ? run(() => moveGeometry(own, eastM, northM, rotateDeg), take) : Promise.resolve();
}

/** Begin to merge features of a layer into one; throws Problem where the server cannot join them. */
export async function beginMerge(layer: Layer, items: Item[], today: string): Promise<void> {
  const made = await mergeGeometries(items.map((item) => item.geometry!));
  // The largest lends its values; whoever merges looks them through.
  const first = items[0]!;
  const values = { ...first.properties, ...valuesOfPiece(layer, first.properties, items.length, made.area_m2) };
  if (layer.key) values[layer.key] = first.properties[layer.key];
  const geometry = multiOf(made.geometry, layer.geometry ?? "Geometry");
  useDraft.getState().begin("merge", layer, today, undefined, { items, values, geometry, sketch: "off" });
}

/** Begin to change the same fields of many features. */
export function beginBatch(layer: Layer, items: Item[], today: string): void {
  useDraft.getState().begin("batch", layer, today, undefined, { items, sketch: "off" });
}
