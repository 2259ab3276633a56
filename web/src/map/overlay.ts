/** What the client draws over the city: selection, the feature in focus, places of faults. */
import type {
  ExpressionSpecification, FilterSpecification, GeoJSONSource, LayerSpecification, Map as MapLibre, SourceSpecification,
} from "maplibre-gl";
import type { Feature, Geometry } from "geojson";
import type { Fault } from "../api/types";
import { boundsOf } from "../format/geometry";
import type { Ref } from "../state/link";
import type { Drawn } from "./city";

export const MARK = "#e8590c";
const EMPTY = { type: "FeatureCollection" as const, features: [] };

/** Sources and style layers of the overlay above all layers of the city. */
export function overlay(): { sources: Record<string, SourceSpecification>; layers: LayerSpecification[] } {
  const isArea = ["all", ["==", ["geometry-type"], "Polygon"], ["!", ["get", "wide"]]] as unknown as FilterSpecification;
  const isPoint = ["==", ["geometry-type"], "Point"] as unknown as FilterSpecification;
  const notPoint = ["!=", ["geometry-type"], "Point"] as unknown as FilterSpecification;
  const layers: LayerSpecification[] = [
    { id: "focus-fill", type: "fill", source: "focus", filter: isArea, paint: { "fill-color": MARK, "fill-opacity": 0.16 } },
    {
      id: "focus-halo", type: "line", source: "focus", filter: notPoint,
      layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": "#ffffff", "line-width": 6, "line-opacity": 0.9 },
    },
    {
      id: "focus-line", type: "line", source: "focus", filter: notPoint,
      layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": MARK, "line-width": 2.6 },
    },
    {
      id: "focus-point", type: "circle", source: "focus", filter: isPoint,
      paint: {
        "circle-radius": 9, "circle-color": MARK, "circle-opacity": 0.25, "circle-stroke-color": MARK, "circle-stroke-width": 2.6,
      },
    },
    {
      id: "faults-point", type: "circle", source: "faults",
      paint: {
        "circle-radius": 8, "circle-color": "#d6336c", "circle-opacity": 0.35, "circle-stroke-color": "#d6336c", "circle-stroke-width": 2.5,
      },
    },
    {
      id: "faults-text", type: "symbol", source: "faults",
      layout: { "text-field": ["get", "message"], "text-size": 12, "text-anchor": "top", "text-offset": [0, 1], "text-max-width": 14 },
      paint: { "text-color": "#a61e4d", "text-halo-color": "#ffffff", "text-halo-width": 1.6 },
    },
  ];
  return { sources: { focus: { type: "geojson", data: EMPTY }, faults: { type: "geojson", data: EMPTY } }, layers };
}

/** Prepare the overlay. */
export function addOverlay(map: MapLibre): void {
  const { sources, layers } = overlay();
  for (const [id, source] of Object.entries(sources)) map.addSource(id, source);
  layers.forEach((layer) => map.addLayer(layer));
}

// A district that fills the screen would tint everything one wants to see.
function isWider(map: MapLibre, geometry: Geometry): boolean {
  const bounds = boundsOf([geometry]);
  const view = map.getBounds();
  return bounds !== null && bounds[2] - bounds[0] > (view.getEast() - view.getWest()) * 0.8;
}

// Sources in which something was put; what is empty is not emptied again, since the map would lay its tiles for that.
const filled = new WeakSet<GeoJSONSource>();

function put(map: MapLibre, id: string, features: Feature[]): void {
  const source = map.getSource<GeoJSONSource>(id);
  if (!source || (features.length === 0 && !filled.has(source))) return;
  if (features.length > 0) filled.add(source);
  else filled.delete(source);
  source.setData({ type: "FeatureCollection", features });
}

/** Mark the feature that the feature panel shows, with the geometry the server gave. */
export function markFocus(map: MapLibre, geometry: Geometry | null | undefined): void {
  put(map, "focus", geometry ? [{ type: "Feature", geometry, properties: { wide: isWider(map, geometry) } }] : []);
}

/** Mark the places of faults. */
export function markFaults(map: MapLibre, faults: Fault[]): void {
  put(map, "faults", faults.filter((fault) => fault.place).map((fault) => ({
    type: "Feature", geometry: { type: "Point", coordinates: fault.place! }, properties: { message: fault.message },
  })));
}

/** Paint the selected features of a layer in relief. */
function markRelief(map: MapLibre, id: string, relief: LayerSpecification | undefined, fids: number[]): void {
  const mark = `selected-${id}-relief`;
  if (map.getLayer(mark)) map.removeLayer(mark);
  if (relief?.type !== "fill-extrusion" || fids.length === 0 || map.getLayoutProperty(relief.id, "visibility") === "none") return;
  map.addLayer({
    id: mark, type: "fill-extrusion", source: relief.source, "source-layer": relief["source-layer"]!, filter: idIn(fids),
    // A little taller, or the two would flicker through each other.
    paint: {
      "fill-extrusion-color": MARK, "fill-extrusion-opacity": 0.85,
      "fill-extrusion-height": ["+", 0.5, (relief.paint?.["fill-extrusion-height"] ?? 0) as ExpressionSpecification],
    },
  }, "focus-fill");
}

function idIn(fids: number[]): FilterSpecification {
  return ["in", ["id"], ["literal", fids]] as unknown as FilterSpecification;
}

/** Mark the selected features of every layer in their own tiles: no geometry travels for a selection. */
export function markSelection(map: MapLibre, drawn: Drawn, selection: Ref[]): void {
  for (const [id, parts] of drawn.parts) {
    const fids = selection.filter((ref) => ref.layer === id).map((ref) => ref.fid);
    markRelief(map, id, parts.find((part) => part.type === "fill-extrusion"), fids);
    const mark = `selected-${id}`;
    if (fids.length === 0) {
      if (map.getLayer(mark)) map.removeLayer(mark);
      continue;
    }
    const filter = idIn(fids);
    if (map.getLayer(mark)) {
      map.setFilter(mark, filter);
      continue;
    }
    const part = parts[0];
    if (!part || !("source" in part)) continue;
    const common = { id: mark, source: part.source as string, "source-layer": part["source-layer"]!, filter };
    const isPoint = parts.some((other) => other.type === "circle");
    const width = ["interpolate", ["linear"], ["zoom"], 12, 1.6, 17, 3] as unknown as ExpressionSpecification;
    map.addLayer(isPoint
      ? { ...common, type: "circle", paint: { "circle-radius": 7, "circle-opacity": 0, "circle-stroke-color": MARK, "circle-stroke-width": 2.4 } }
      : { ...common, type: "line", paint: { "line-color": MARK, "line-width": width } }, "focus-fill");
  }
}
