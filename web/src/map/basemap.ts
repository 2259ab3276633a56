/** Imagery and terrain under the city's layers. */
import type { Map as MapLibre, RasterTileSource } from "maplibre-gl";
import type { ImagerySource, TerrainSource } from "../api/basemaps";
import type { Layer } from "../api/types";
import type { Laid } from "../state/ground";
import type { Drawn } from "./city";
import { opacityOf } from "./paint";

const PICTURE = "ground-imagery";
const HEIGHTS = "ground-heights";
const LINES = "ground-contours";
// Over a picture areas are a tint, and over the shade of hills they stay what they are, only lighter.
const AREAS = { paper: 1, imagery: 0.22, terrain: 0.55 };

function withDay(address: string, asked: string): string {
  return asked ? `${address}${address.includes("?") ? "&" : "?"}${asked}` : address;
}

/** Lay the ground, or lay it anew for another day; what was laid before and is not wanted goes. */
export function layGround(map: MapLibre, drawn: Drawn, layers: Layer[], laid: Laid, dark: boolean): void {
  const { ground, imagery, terrain, asked } = laid;
  if (ground !== "imagery") remove(map, [PICTURE], [PICTURE]);
  if (ground !== "terrain") remove(map, ["ground-shade", "ground-contours-line", "ground-contours-text"], [HEIGHTS, LINES]);
  if (ground === "imagery" && imagery) layPicture(map, drawn, imagery, asked);
  if (ground === "terrain" && terrain) layTerrain(map, drawn, layers, terrain, asked, dark);
}

/** Make areas so faint that one sees what lies under them, in proportion to the opacity that the reader has chosen. */
export function letThrough(map: MapLibre, drawn: Drawn, laid: Laid, opacity: Record<string, number>): void {
  for (const [id, parts] of drawn.parts) {
    for (const part of parts) {
      if (part.type !== "fill") continue;
      for (const [property, value] of opacityOf(part, (opacity[id] ?? 1) * AREAS[laid.ground])) {
        map.setPaintProperty(part.id, property as never, value as never);
      }
    }
  }
}

/** Ask anew for the ground's tiles where its files have changed. */
export function redrawGround(map: MapLibre, laid: Laid, touched: string[]): void {
  const isTouched = [laid.imagery, laid.terrain].some((source) => source && touched.includes(source.layer));
  if (!isTouched) return;
  for (const source of [PICTURE, HEIGHTS, LINES]) if (map.getSource(source)) map.refreshTiles(source);
}

function remove(map: MapLibre, layers: string[], sources: string[]): void {
  for (const id of layers) if (map.getLayer(id)) map.removeLayer(id);
  for (const id of sources) if (map.getSource(id)) map.removeSource(id);
}

function retile(map: MapLibre, id: string, tiles: string): boolean {
  const source = map.getSource<RasterTileSource>(id);
  if (!source) return false;
  if (source.tiles[0] !== tiles) source.setTiles([tiles]);
  return true;
}

function layPicture(map: MapLibre, drawn: Drawn, source: ImagerySource, asked: string): void {
  const tiles = withDay(source.tiles, asked);
  if (retile(map, PICTURE, tiles)) return;
  map.addSource(PICTURE, { type: "raster", tiles: [tiles], tileSize: source.tile_size, bounds: source.bounds, maxzoom: source.max_zoom });
  map.addLayer({ id: PICTURE, type: "raster", source: PICTURE, paint: { "raster-fade-duration": 150 } }, firstOf(drawn));
}

function layTerrain(map: MapLibre, drawn: Drawn, layers: Layer[], source: TerrainSource, asked: string, dark: boolean): void {
  const [heights, contours] = [withDay(source.tiles, asked), withDay(source.contours, asked)];
  if (retile(map, HEIGHTS, heights) && retile(map, LINES, contours)) return;
  const { bounds } = source;
  map.addSource(HEIGHTS, { type: "raster-dem", tiles: [heights], encoding: source.encoding, tileSize: source.tile_size, bounds, maxzoom: source.max_zoom });
  map.addSource(LINES, { type: "vector", tiles: [contours], bounds, minzoom: source.contours_from_zoom, maxzoom: 16 });
  const above = aboveAreas(drawn, layers);
  map.addLayer({
    id: "ground-shade", type: "hillshade", source: HEIGHTS,
    paint: {
      "hillshade-exaggeration": 0.6, "hillshade-shadow-color": dark ? "#000000" : "#4b3f2c",
      "hillshade-highlight-color": dark ? "#5b6670" : "#ffffff", "hillshade-accent-color": dark ? "#000000" : "#6b5d45",
    },
  }, above);
  const ink = dark ? "#b79b74" : "#8a6a3b";
  map.addLayer({
    id: "ground-contours-line", type: "line", source: LINES, "source-layer": "contour",
    paint: { "line-color": ink, "line-opacity": 0.6, "line-width": ["case", ["get", "index"], 1.3, 0.6] },
  }, above);
  map.addLayer({
    id: "ground-contours-text", type: "symbol", source: LINES, "source-layer": "contour", minzoom: 12, filter: ["get", "index"],
    layout: { "symbol-placement": "line", "text-field": ["to-string", ["get", "elevation"]], "text-size": 10 },
    paint: { "text-color": ink, "text-halo-color": dark ? "#15191d" : "#f7f4ec", "text-halo-width": 1.2 },
  });
}

function firstOf(drawn: Drawn): string | undefined {
  return [...drawn.parts.values()].flat()[0]?.id;
}

/** Return the lowest style layer that is no area: hills are shaded over woods and fields, under roads, pipes and letters. */
function aboveAreas(drawn: Drawn, layers: Layer[]): string | undefined {
  const isArea = (id: string) => /Polygon$/.test(layers.find((layer) => layer.id === id)?.geometry ?? "");
  const [, parts] = [...drawn.parts].find(([id]) => !isArea(id)) ?? [];
  return parts?.[0]?.id ?? firstOf(drawn);
}
