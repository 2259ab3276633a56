/** The layers of the city on the map: what the style says, changed by what the view says. */
import type {
  ExpressionSpecification, FilterSpecification, LayerSpecification, Map as MapLibre, StyleSpecification, VectorTileSource,
} from "maplibre-gl";
import { tileAddress } from "../api/style";
import type { Layer } from "../api/types";
import { type Condition, toMapFilter } from "../format/condition";
import { type Bounds, tilesOf } from "../format/geometry";
import { shownByDefault } from "../state/layers";
import { opacityOf, themed } from "./paint";

export interface Drawn {
  /** Style layers of each layer of the city, from the ground up. */
  parts: Map<string, LayerSpecification[]>;
}

type When = { datetime?: string; knownAt?: string };

function reliefOf(layer: Layer, flat: LayerSpecification[]): LayerSpecification | null {
  const height = layer.symbology?.extrude;
  const fill = flat.find((part) => part.type === "fill");
  if (!height || fill?.type !== "fill" || flat.some((part) => part.type === "fill-extrusion")) return null;
  return {
    id: `${layer.id}-relief`, type: "fill-extrusion", source: fill.source, "source-layer": fill["source-layer"],
    minzoom: Math.max(14, fill.minzoom ?? 0),
    ...(fill.filter ? { filter: fill.filter } : {}),
    paint: {
      "fill-extrusion-color": fill.paint?.["fill-color"] as ExpressionSpecification,
      "fill-extrusion-height": ["coalesce", ["to-number", ["get", height]], 3],
      "fill-extrusion-opacity": 0.92,
      "fill-extrusion-vertical-gradient": true,
    },
  };
}

/** Put the city's layers on the map. Layers without a place in the style are left out. */
export function addCity(map: MapLibre, style: StyleSpecification, layers: Layer[], when: When, dark: boolean): Drawn {
  const known = new Map(layers.map((layer) => [layer.id, layer]));
  const drawn: Drawn = { parts: new Map() };
  const labels: LayerSpecification[] = [];
  for (const [id, source] of Object.entries(style.sources)) {
    if (!known.has(id) || source.type !== "vector") continue;
    const { url: _url, ...rest } = source;
    map.addSource(id, { ...rest, tiles: [tileAddress(id, when)] });
  }
  const put = (part: LayerSpecification, id: string) => {
    map.addLayer(themed(part, dark));
    drawn.parts.set(id, [...(drawn.parts.get(id) ?? []), part]);
  };
  for (const part of style.layers) {
    const id = "source" in part && typeof part.source === "string" ? part.source : null;
    if (!id || !known.has(id) || !map.getSource(id)) continue;
    // All letters lie above all grounds, whichever layer they belong to.
    if (part.type === "symbol") labels.push(part);
    else put(part, id);
  }
  for (const layer of layers) {
    const relief = reliefOf(layer, drawn.parts.get(layer.id) ?? []);
    if (relief) put(relief, layer.id);
  }
  for (const part of labels) put(part, (part as { source: string }).source);
  return drawn;
}

/** Show and hide layers; relief replaces the flat ground of what has a height. */
export function applyShown(
  map: MapLibre, drawn: Drawn, layers: Layer[], shown: Record<string, boolean>, relief: boolean,
): void {
  for (const layer of layers) {
    const parts = drawn.parts.get(layer.id) ?? [];
    const visible = shown[layer.id] ?? shownByDefault(layer);
    for (const part of parts) {
      const wanted = visible && (part.type !== "fill-extrusion" || relief);
      const value = wanted ? "visible" : "none";
      if ((map.getLayoutProperty(part.id, "visibility") ?? "visible") !== value) {
        map.setLayoutProperty(part.id, "visibility", value);
      }
    }
  }
}

export function applyOpacity(map: MapLibre, drawn: Drawn, opacity: Record<string, number>): void {
  for (const [id, parts] of drawn.parts) {
    for (const part of parts) {
      for (const [property, value] of opacityOf(part, opacity[id] ?? 1)) {
        map.setPaintProperty(part.id, property as never, value as never);
      }
    }
  }
}

/** Filter the map as the tables are filtered, where the tiles have the fields. */
export function applyFilters(map: MapLibre, drawn: Drawn, layers: Layer[], filters: Record<string, Condition[]>): void {
  for (const layer of layers) {
    const wish = toMapFilter(filters[layer.id] ?? [], layer.fields) ?? null;
    for (const part of drawn.parts.get(layer.id) ?? []) {
      const own = "filter" in part ? part.filter : undefined;
      const both = wish && own ? ["all", own, wish] : wish ?? own;
      map.setFilter(part.id, (both ?? null) as FilterSpecification | null);
    }
  }
}

/** Show the city as of another moment. */
export function applyWhen(map: MapLibre, drawn: Drawn, when: When): void {
  for (const id of drawn.parts.keys()) {
    map.getSource<VectorTileSource>(id)?.setTiles([tileAddress(id, when)]);
  }
}

/** Ask anew for the tiles of layers that an envelope touches; all tiles when there is no envelope. */
export function redraw(map: MapLibre, drawn: Drawn, layers: string[], envelope: Bounds | null): void {
  for (const id of drawn.parts.keys()) {
    if (!layers.includes(id)) continue;
    // Tiles of every zoom that may be on the screen or kept for the way back.
    const touched: { x: number; y: number; z: number }[] = [];
    let whole = envelope === null;
    for (let zoom = 0; zoom <= 22 && envelope; zoom += 1) {
      const tiles = tilesOf(envelope, zoom, 64);
      if (tiles) touched.push(...tiles);
      else whole = true;
      if (whole) break;
    }
    if (whole) map.refreshTiles(id);
    else map.refreshTiles(id, touched);
  }
}
