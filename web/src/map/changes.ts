/** Marks of the change list on a map. */
import type { ExpressionSpecification, GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect } from "react";
import { useChanged } from "../state/changed";
import { CHANGE_COLORS } from "./timeline";

/** Draw what is in the change list on a map whose style is laid. */
export function useChangeMarks(map: MapLibre | null, laid: unknown): void {
  const listed = useChanged((changed) => changed.listed);
  useEffect(() => {
    if (!map || !laid) return;
    if (!map.getSource("changes")) {
      if (listed.length === 0) return;
      const color = ["match", ["get", "change"], "built", CHANGE_COLORS.built, "ended", CHANGE_COLORS.ended, CHANGE_COLORS.changed] as ExpressionSpecification;
      map.addSource("changes", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
      map.addLayer({ id: "changes-fill", type: "fill", source: "changes", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": color, "fill-opacity": 0.4 } });
      map.addLayer({ id: "changes-line", type: "line", source: "changes", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": color, "line-width": 2.2 } });
      map.addLayer({ id: "changes-point", type: "circle", source: "changes", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": color, "circle-radius": 6 } });
    }
    map.getSource<GeoJSONSource>("changes")?.setData({
      type: "FeatureCollection",
      features: listed.flatMap(({ fid, change, geometry }) => (geometry ? [{ type: "Feature" as const, id: fid, geometry, properties: { change } }] : [])),
    });
  }, [map, laid, listed]);
}
