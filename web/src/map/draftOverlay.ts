/** What the draft has become, while no tool draws it: the changed geometry, or the pieces of a split with their numbers. */
import type { FeatureCollection, Position } from "geojson";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect } from "react";
import { eachPosition } from "../format/geometry";
import { useDraft } from "../state/draft";
import type { Drawn } from "./city";
import { MARK } from "./overlay";

const COLOURS = ["#e8590c", "#1971c2", "#2f9e44", "#9c36b5", "#e67700", "#0b7285"];
const PARTS = ["draft-fill", "draft-line", "draft-text"];

function middle(line: Position[]): Position {
  const xs = line.map((position) => position[0]!);
  const ys = line.map((position) => position[1]!);
  return [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
}

function collectionOf(): FeatureCollection {
  const { draft } = useDraft.getState();
  const features: FeatureCollection["features"] = [];
  if (draft?.pieces) {
    draft.pieces.forEach(({ geometry }, index) => {
      const line: Position[] = [];
      eachPosition(geometry, (position) => line.push(position));
      const properties = { color: COLOURS[index % COLOURS.length]!, number: String(index + 1) };
      features.push({ type: "Feature", geometry, properties: { color: properties.color } },
        { type: "Feature", geometry: { type: "Point", coordinates: middle(line) }, properties });
    });
  } else if (draft?.geometry && draft.sketch === "off" && draft.past.length + (draft.op === "merge" ? 1 : 0) > 0) {
    features.push({ type: "Feature", geometry: draft.geometry, properties: { color: MARK } });
  }
  return { type: "FeatureCollection", features };
}

/** Show the draft on the map. */
export function useDraftOverlay(map: MapLibre | null, drawn: Drawn | null): void {
  useEffect(() => {
    if (!map || !drawn) return undefined;
    map.addSource("draft", { type: "geojson", data: collectionOf() });
    map.addLayer({ id: "draft-fill", type: "fill", source: "draft", filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": ["get", "color"], "fill-opacity": 0.22 } });
    map.addLayer({ id: "draft-line", type: "line", source: "draft", filter: ["!=", ["geometry-type"], "Point"],
      paint: { "line-color": ["get", "color"], "line-width": 2.6 } });
    map.addLayer({ id: "draft-text", type: "symbol", source: "draft", filter: ["==", ["geometry-type"], "Point"],
      layout: { "text-field": ["coalesce", ["get", "number"], ""], "text-size": 18, "text-allow-overlap": true },
      paint: { "text-color": ["get", "color"], "text-halo-color": "#ffffff", "text-halo-width": 2 } });
    const stop = useDraft.subscribe(() => map.getSource<GeoJSONSource>("draft")?.setData(collectionOf()));
    return () => {
      stop();
      // The style may have gone already, and all of this with it.
      if (!map.style || !map.getSource("draft")) return;
      PARTS.forEach((id) => map.getLayer(id) && map.removeLayer(id));
      map.removeSource("draft");
    };
  }, [map, drawn]);
}
