/** The layers of the city on the map: what the style says, changed by what the view says. */
import type {
  FilterSpecification, LayerSpecification, Map as MapLibre, SourceSpecification, StyleSpecification, VectorTileSource,
} from "maplibre-gl";
import { tileAddress } from "../api/style";
import type { Layer } from "../api/types";
import { type Condition, toCql2, toMapFilter } from "../format/condition";
import { shownByDefault } from "../state/layers";
import { opacityOf, themed } from "./paint";

export interface Drawn {
  /** Style layers of each layer of the city, from the ground up. */
  parts: Map<string, LayerSpecification[]>;
  /** Which tiles each of them shows. */
  tiles: Map<string, string>;
  /** Layers whose tiles are to be asked for anew. */
  stale: Set<string>;
}

export type When = { datetime?: string; knownAt?: string };
/** Which moment each layer shows. */
export type WhenOf = (layer: string) => When;

// Half-open on both sides: what begins at the moment is there, what ends at it is not. An open end is far away.
const FAR = 1e15;
// Both ends travel as one value: each value that changes makes the map lay its tiles again.
const MOMENT = ["array", "number", 2, ["global-state", "moment"]];
const AT_THE_MOMENT = [
  "all",
  ["<", ["coalesce", ["get", "valid_from"], -FAR], ["at", 1, MOMENT]],
  [">", ["coalesce", ["get", "valid_to"], FAR], ["at", 0, MOMENT]],
];

// From this zoom on no tile holds cells.
const CLOSE = 14;

/** Is this a style layer of cells, squares that stand for many features seen from afar? */
function isOfCells(part: LayerSpecification): boolean {
  return "source-layer" in part && part["source-layer"]?.endsWith(".cells") === true;
}

/** Does the server filter a layer at this zoom? A cell counts features, so only the server can leave some of them out. */
function isCounted(map: MapLibre, layer: Layer): boolean {
  return layer.symbology?.cells === true && map.getZoom() < CLOSE;
}

export interface Composed {
  sources: Record<string, SourceSpecification>;
  /** Style layers from the ground up, in the colours of the theme. */
  layers: LayerSpecification[];
  drawn: Drawn;
}

/** Put together the sources and style layers of the city. Layers without a place in the style are left out. */
export function composeCity(style: StyleSpecification, layers: Layer[], when: WhenOf, dark: boolean): Composed {
  const known = new Set(layers.map((layer) => layer.id));
  const drawn: Drawn = { parts: new Map(), tiles: new Map(), stale: new Set() };
  const sources: Composed["sources"] = {};
  for (const [id, source] of Object.entries(style.sources)) {
    if (!known.has(id) || source.type !== "vector") continue;
    const { url: _url, ...rest } = source;
    drawn.tiles.set(id, tileAddress(id, when(id)));
    sources[id] = { ...rest, tiles: [drawn.tiles.get(id)!] };
  }
  const placed = style.layers.filter((part) => "source" in part && typeof part.source === "string" && part.source in sources);
  // All letters lie above all grounds, whichever layer they belong to.
  const parts = [...placed.filter((part) => part.type !== "symbol"), ...placed.filter((part) => part.type === "symbol")];
  for (const part of parts) {
    const id = (part as { source: string }).source;
    drawn.parts.set(id, [...(drawn.parts.get(id) ?? []), part]);
  }
  return { sources, layers: parts.map((part) => themed(part, dark)), drawn };
}

/** Put the city's layers on the map. */
export function addCity(map: MapLibre, style: StyleSpecification, layers: Layer[], when: WhenOf, dark: boolean): Drawn {
  const city = composeCity(style, layers, when, dark);
  for (const [id, source] of Object.entries(city.sources)) map.addSource(id, source);
  for (const part of city.layers) map.addLayer(part);
  return city.drawn;
}

/** Is a style layer to be seen? */
export function isSeen(part: LayerSpecification, layer: Layer, shown: Record<string, boolean>, relief: boolean): boolean {
  return (shown[layer.id] ?? shownByDefault(layer)) && (part.type !== "fill-extrusion" || relief);
}

/**
 * Return the filter of a style layer: its own, what is wished of its layer, and the clock's moment where the tiles hold a window of time.
 *
 * Undefined where there is none, as the map has it: null would be something else to it, and it would lay the tiles again.
 */
export function filterOf(part: LayerSpecification, layer: Layer, conditions: Condition[], timed: boolean): FilterSpecification | undefined {
  // Cells are counted by the server as it is wished (see below), and have no fields to be filtered by here.
  const wish = isOfCells(part) ? null : toMapFilter(conditions, layer.fields) ?? null;
  const own = "filter" in part ? part.filter : undefined;
  const parts = [own, wish, timed ? AT_THE_MOMENT : null].filter(Boolean);
  return (parts.length > 1 ? ["all", ...parts] : parts[0]) as FilterSpecification | undefined;
}

/** Show and hide layers; relief replaces the flat ground of what has a height. */
export function applyShown(
  map: MapLibre, drawn: Drawn, layers: Layer[], shown: Record<string, boolean>, relief: boolean,
): void {
  for (const layer of layers) {
    for (const part of drawn.parts.get(layer.id) ?? []) {
      const value = isSeen(part, layer, shown, relief) ? "visible" : "none";
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

/**
 * Filter the map as the tables are filtered: here where the tiles have the fields, else on the server.
 *
 * Of `timed` layers the tiles hold every version of a window of time, and what is not there at the clock's moment is left out.
 */
export function applyFilters(
  map: MapLibre, drawn: Drawn, layers: Layer[], filters: Record<string, Condition[]>, timed: (layer: string) => boolean = () => false,
): void {
  for (const layer of layers) {
    for (const part of drawn.parts.get(layer.id) ?? []) map.setFilter(part.id, filterOf(part, layer, filters[layer.id] ?? [], timed(layer.id)));
  }
}

// What a map does when it is zoomed across the zoom where cells end.
const zoomed = new WeakMap<MapLibre, () => void>();

/** Take the tiles of a moment, and of what only the server can filter: also when the map is zoomed to where cells begin or end. */
export function applyTiles(
  map: MapLibre, drawn: Drawn, layers: Layer[], when: WhenOf, filters: Record<string, Condition[]>,
): void {
  const apply = () => {
    for (const layer of layers) {
      const source = map.getSource<VectorTileSource>(layer.id);
      if (!source || !drawn.parts.has(layer.id)) continue;
      const conditions = filters[layer.id] ?? [];
      const isRemote = conditions.length > 0 && (isCounted(map, layer) || toMapFilter(conditions, layer.fields) === undefined);
      const tiles = tileAddress(layer.id, when(layer.id), isRemote ? toCql2(conditions, layer.fields) : null);
      if (drawn.tiles.get(layer.id) === tiles) continue;
      drawn.tiles.set(layer.id, tiles);
      source.setTiles([tiles]);
    }
  };
  const before = zoomed.get(map);
  if (before) map.off("zoomend", before);
  zoomed.set(map, apply);
  map.on("zoomend", apply);
  apply();
}

// A map that is never still (somebody pans on and on) is refreshed all the same.
const LATEST_MS = 3000;

/**
 * Ask anew for the tiles of layers in which something changed, as soon as the map is still.
 *
 * All tiles of these layers, also those kept for the way back: the map forgets none of them by itself. What did not
 * change is answered with a short "not modified". The map has to be still: what changes a layer of the style in the same
 * frame (a new selection) makes it lay its tiles again from memory, and the wish for new ones would be lost.
 */
export function redraw(map: MapLibre, drawn: Drawn, layers: string[]): void {
  const isWaiting = drawn.stale.size > 0;
  for (const id of layers) if (drawn.parts.has(id)) drawn.stale.add(id);
  if (isWaiting || drawn.stale.size === 0) return;
  const refresh = () => {
    window.clearTimeout(timer);
    map.off("idle", refresh);
    for (const id of drawn.stale) if (map.getSource(id)) map.refreshTiles(id);
    drawn.stale.clear();
  };
  const timer = window.setTimeout(refresh, LATEST_MS);
  map.on("idle", refresh);
  map.once("remove", () => window.clearTimeout(timer));
  map.triggerRepaint();
}
