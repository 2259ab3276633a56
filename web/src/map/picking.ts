/** What lies under a point of the map: the visible features, the topmost layer first. */
import type { Map as MapLibre, MapGeoJSONFeature, PointLike } from "maplibre-gl";
import type { Layer } from "../api/types";
import type { Ref } from "../state/link";
import { sameRef } from "../state/view";
import type { Drawn } from "./city";

export interface Hit extends Ref {
  label: string;
}

// A point or a line is hard to hit exactly, above all with a finger.
const NEAR_PX = 5;

function labelOf(layer: Layer, feature: MapGeoJSONFeature): string {
  const name = layer.label ? feature.properties[layer.label] : null;
  return name ? String(name) : "";
}

/** Return the features at a point, each once, the topmost layer first, areas after lines and points. */
export function featuresAt(map: MapLibre, drawn: Drawn, layers: Layer[], point: { x: number; y: number }): Hit[] {
  const ids = [...drawn.parts.values()].flat().map((part) => part.id).filter((id) => map.getLayer(id));
  const box: [PointLike, PointLike] = [[point.x - NEAR_PX, point.y - NEAR_PX], [point.x + NEAR_PX, point.y + NEAR_PX]];
  const near = map.queryRenderedFeatures(box, { layers: ids }).filter((f) => !f.geometry.type.endsWith("Polygon"));
  const under = map.queryRenderedFeatures([point.x, point.y], { layers: ids });
  const hits: Hit[] = [];
  const found = [...near, ...under].sort((a, b) => order(layers, b.source) - order(layers, a.source));
  for (const feature of found) {
    const layer = layers.find((candidate) => candidate.id === feature.source);
    const fid = Number(feature.id);
    if (!layer || !Number.isSafeInteger(fid)) continue;
    const hit = { layer: layer.id, fid, label: labelOf(layer, feature) };
    if (!hits.some((other) => sameRef(other, hit))) hits.push(hit);
  }
  return hits;
}

/** Administrative areas lie above all on the map, but who clicks a building means the building; the smallest area first. */
function order(layers: Layer[], id: string): number {
  const layer = layers.find((candidate) => candidate.id === id);
  if (!layer) return -1;
  const own = layer.symbology?.order ?? 50;
  return layer.geometry?.endsWith("Polygon") && layer.group === "admin" ? -own : own;
}
