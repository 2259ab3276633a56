/** What lies under a point of the scene: the feature, and the floor of it that was hit with its housing units. */
import { type Cartesian2, Cesium3DTileFeature, type CesiumWidget } from "@cesium/engine";
import type { Layer } from "../api/types";
import type { Ref } from "../state/link";
import { sameRef, useView } from "../state/view";
import { isPlacing } from "./analysis/placing";
import type { Standing } from "./tilesets";

export interface Hit extends Ref {
  label: string;
}

const MOST_UNITS = 24;

/** Return the layers of floors, of housing units and of surfaces that belong to a layer. */
export function partsOf(layer: Layer, layers: Layer[]): { level?: Layer; unit?: Layer; surface?: Layer } {
  const parts = layers.filter((each) => each.kind === "table" && each.fields.some((field) => field.part_of && field.references === layer.id));
  const having = (...names: string[]) => parts.find((each) => names.every((name) => each.fields.some((field) => field.name === name)));
  return { level: having("actual_no"), unit: having("start_level_fid"), surface: having("surfaces") };
}

function numberOf(feature: Cesium3DTileFeature, name: string): number | null {
  const value: unknown = feature.getProperty(name);
  return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
}

/** Return what was hit, the feature itself first. */
export function hitsAt(widget: CesiumWidget, standing: Standing[], layers: Layer[], point: Cartesian2): Hit[] {
  const feature: unknown = widget.scene.pick(point, 3, 3);
  const own = (feature as { id?: { hits?: Hit[] } } | undefined)?.id?.hits;
  if (own) return own;
  if (!(feature instanceof Cesium3DTileFeature)) return [];
  const found = standing.find(({ tileset }) => tileset === feature.tileset);
  const fid = numberOf(feature, "fid");
  if (!found || fid === null) return [];
  const label: unknown = found.layer.label ? feature.getProperty(found.layer.label) : "";
  const hits: Hit[] = [{ layer: found.layer.id, fid, label: typeof label === "string" ? label : "" }];
  const level = numberOf(feature, "level_fid");
  const parts = partsOf(found.layer, layers);
  if (level !== null && parts.level) {
    hits.push({ layer: parts.level.id, fid: level, label: String(feature.getProperty("level_label") ?? "") });
    const units = (feature.getProperty("unit_fids") ?? []) as ArrayLike<number>;
    const names = (feature.getProperty("unit_labels") ?? []) as ArrayLike<string>;
    if (parts.unit) {
      for (let i = 0; i < Math.min(units.length, MOST_UNITS); i += 1) hits.push({ layer: parts.unit.id, fid: Number(units[i]), label: names[i] ?? "" });
    }
  }
  return hits;
}

/** Select what was hit: the building by the first click, by the next one on it the floor. */
export function choose(hits: Hit[], several: boolean): void {
  if (isPlacing()) return;
  const view = useView.getState();
  if (several) {
    if (hits[0]) view.toggle({ layer: hits[0].layer, fid: hits[0].fid });
    return;
  }
  const [first, floor] = hits;
  view.pick(hits);
  const before = view.selection[view.focus];
  const again = first && before && (sameRef(before, first) || view.here.some((hit) => sameRef(hit, before) && view.here.some((other) => sameRef(other, first))));
  if (again && floor && !sameRef(before, floor)) view.select([{ layer: floor.layer, fid: floor.fid }]);
}
