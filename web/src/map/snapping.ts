/** Cling to what is there: vertices first, then edges. */
import type { Map as MapLibre } from "maplibre-gl";
import type { Geometry, Position } from "geojson";
import { readPage } from "../api/items";

const REACH_PX = 10;
// Below this zoom a screen holds more features than are worth fetching, and tiles are exact to less than a pixel anyway.
const EXACT_FROM_ZOOM = 15;
const MOST_EXACT = 400;
const DECIMALS = 9;

interface Pixel {
  x: number;
  y: number;
}

interface Found {
  position: Position;
  pixels: number;
}

/** Return the position of a segment that is nearest to a point, and how far away it is in pixels. */
function onSegment(point: Pixel, a: Position, b: Position, project: (position: Position) => Pixel): Found {
  const [p, q] = [project(a), project(b)];
  const [dx, dy] = [q.x - p.x, q.y - p.y];
  const square = dx * dx + dy * dy;
  const along = square === 0 ? 0 : Math.min(1, Math.max(0, ((point.x - p.x) * dx + (point.y - p.y) * dy) / square));
  return {
    position: [a[0]! + along * (b[0]! - a[0]!), a[1]! + along * (b[1]! - a[1]!)],
    pixels: Math.hypot(p.x + along * dx - point.x, p.y + along * dy - point.y),
  };
}

/** Visit the lines that a geometry consists of: rings, lines, or single points. */
function eachLine(geometry: Geometry, visit: (line: Position[]) => void): void {
  if (geometry.type === "GeometryCollection") return geometry.geometries.forEach((part) => eachLine(part, visit));
  const walk = (coordinates: unknown): void => {
    if (!Array.isArray(coordinates)) return;
    if (typeof coordinates[0] === "number") visit([coordinates as Position]);
    else if (Array.isArray(coordinates[0]) && typeof coordinates[0][0] === "number") visit(coordinates as Position[]);
    else coordinates.forEach(walk);
  };
  return walk(geometry.coordinates);
}

/** Return the vertex within reach, else the place on an edge within reach. */
export function nearest(geometries: Geometry[], at: Position, project: (position: Position) => Pixel): Position | undefined {
  const point = project(at);
  let vertex: Found = { position: at, pixels: REACH_PX };
  let edge: Found = { position: at, pixels: REACH_PX };
  for (const geometry of geometries) {
    eachLine(geometry, (line) => line.forEach((position, index) => {
      const here = project(position);
      const pixels = Math.hypot(here.x - point.x, here.y - point.y);
      if (pixels < vertex.pixels) vertex = { position: [position[0]!, position[1]!], pixels };
      if (index === 0) return;
      const found = onSegment(point, line[index - 1]!, position, project);
      if (found.pixels < edge.pixels) edge = found;
    }));
  }
  const found = vertex.pixels < REACH_PX ? vertex : edge.pixels < REACH_PX ? edge : null;
  return found?.position.map((value) => Number(value.toFixed(DECIMALS)));
}

/**
 * Watch what lies on the map, for clinging to it.
 *
 * Tiles are rounded to their own grid. Of the layer that is edited, the features in view are therefore fetched as they are
 * stored: neighbours get the very same vertices. Other layers are clung to as the map shows them.
 */
export function watchSnapping(map: MapLibre, layer: string, fid: number | null): { at: (place: { lng: number; lat: number }) => Position | undefined; stop: () => void } {
  let exact: Geometry[] = [];
  let asking: AbortController | null = null;
  const project = (position: Position) => map.project([position[0]!, position[1]!]);

  const fetchExact = () => {
    asking?.abort();
    if (map.getZoom() < EXACT_FROM_ZOOM) {
      exact = [];
      return;
    }
    asking = new AbortController();
    const bounds = map.getBounds();
    const bbox: [number, number, number, number] = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
    readPage({ layer, bbox, properties: [] }, { limit: MOST_EXACT, geometry: true }, asking.signal)
      .then((page) => {
        exact = page.features.filter((item) => item.id !== fid && item.geometry).map((item) => item.geometry!);
      })
      .catch(() => undefined);
  };
  const at = (place: { lng: number; lat: number }) => {
    const here: Position = [place.lng, place.lat];
    const own = nearest(exact, here, project);
    if (own) return own;
    const point = project(here);
    const others = map.queryRenderedFeatures([[point.x - REACH_PX, point.y - REACH_PX], [point.x + REACH_PX, point.y + REACH_PX]])
      // What is being drawn lies there too; a shape must not cling to itself.
      .filter((feature) => feature.sourceLayer && !(feature.source === layer && (feature.id === fid || exact.length > 0)));
    return nearest(others.map((feature) => feature.geometry), here, project);
  };
  map.on("moveend", fetchExact);
  fetchExact();
  return {
    at,
    stop: () => {
      asking?.abort();
      map.off("moveend", fetchExact);
    },
  };
}
