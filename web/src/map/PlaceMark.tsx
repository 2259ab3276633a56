import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect } from "react";
import { usePlaceArea } from "../state/place";
import type { Drawn } from "./city";

const INK = "#0b7285";

/** Draw the outline of the place that is asked about. */
export function PlaceMark({ map, drawn }: { map: MapLibre; drawn: Drawn }) {
  const area = usePlaceArea();
  useEffect(() => {
    if (!map.getStyle()) return;
    if (!area) {
      for (const id of ["place-fill", "place-line"]) if (map.getLayer(id)) map.removeLayer(id);
      if (map.getSource("place")) map.removeSource("place");
      return;
    }
    const data = { type: "Feature" as const, properties: {}, geometry: area };
    const source = map.getSource<GeoJSONSource>("place");
    if (source) {
      source.setData(data);
      return;
    }
    map.addSource("place", { type: "geojson", data });
    map.addLayer({ id: "place-fill", type: "fill", source: "place", paint: { "fill-color": INK, "fill-opacity": 0.05 } }, "focus-fill");
    map.addLayer({ id: "place-line", type: "line", source: "place", paint: { "line-color": INK, "line-width": 2, "line-dasharray": [3, 2] } }, "focus-fill");
    // Another theme lays the whole style anew: `drawn` is another one then.
  }, [map, drawn, area]);
  return null;
}
