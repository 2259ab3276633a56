import type { FilterSpecification, GeoJSONSource, LayerSpecification, Map as MapLibre } from "maplibre-gl";
import { useEffect } from "react";
import type { Layer } from "../api/types";
import { toMapFilter } from "../format/condition";
import { shownByDefault } from "../state/layers";
import { inTiles, type ThemeSide, useClassification, useClusters } from "../state/themes";
import { useView } from "../state/view";
import type { Theme } from "../state/work";
import { ramp, sliceColors } from "../format/palette";
import type { Drawn } from "./city";
import { cellsOf, circlesOf, colorOf, pieOf, zonesOf } from "./themeStyle";

const MOST_PIES = 300;
const TOP = "focus-fill";

function put(map: MapLibre, id: string, data: GeoJSON.FeatureCollection): void {
  const source = map.getSource<GeoJSONSource>(id);
  if (source) source.setData(data);
  else map.addSource(id, { type: "geojson", data });
}

function lay(map: MapLibre, layer: LayerSpecification, before?: string): void {
  if (map.getLayer(layer.id)) map.removeLayer(layer.id);
  map.addLayer(layer, before && map.getLayer(before) ? before : undefined);
}

/** Return the style layer that comes next above the grounds of a layer. */
function above(map: MapLibre, drawn: Drawn, layer: Layer): string | undefined {
  const order = map.getStyle().layers.map((each) => each.id).filter((name) => !name.startsWith("theme-"));
  const grounds = (drawn.parts.get(layer.id) ?? []).filter((each) => each.type !== "symbol").map((each) => order.indexOf(each.id));
  return order[Math.max(...grounds) + 1];
}

/** Lay coloured areas, lines or points over a layer, from the same tiles. */
function colored(map: MapLibre, drawn: Drawn, layer: Layer, id: string, color: unknown, filter: unknown[] | null, opacity: number): void {
  const parts = drawn.parts.get(layer.id) ?? [];
  const part = parts.find((each) => each.type !== "symbol" && each.type !== "fill-extrusion");
  if (!part || !("source" in part)) return;
  const before = above(map, drawn, layer);
  const common = {
    id, source: part.source as string, "source-layer": part["source-layer"]!, ...(filter ? { filter: filter as unknown as FilterSpecification } : {}),
  };
  const geometry = layer.geometry ?? "Polygon";
  const made = geometry.endsWith("Point")
    ? { ...common, type: "circle", paint: { "circle-color": color, "circle-radius": 6, "circle-stroke-color": "#ffffff", "circle-stroke-width": 1, "circle-opacity": opacity } }
    : geometry.endsWith("LineString") ? { ...common, type: "line", paint: { "line-color": color, "line-width": 3, "line-opacity": opacity } }
      : { ...common, type: "fill", paint: { "fill-color": color, "fill-opacity": opacity * (layer.group === "admin" ? 0.72 : 0.92), "fill-outline-color": "#ffffff" } };
  lay(map, made as unknown as LayerSpecification, before);
}

/** One thematic map on the map, or on a pane beside it. */
export function ThemeLayer({ map, drawn, layer, theme, side }: { map: MapLibre; drawn: Drawn; layer: Layer; theme: Theme; side?: ThemeSide }) {
  const id = `theme-${layer.id}`;
  const classified = useClassification(layer, theme, side).data;
  const gathered = useClusters(layer, theme, side).data;
  const mainShown = useView((view) => view.layers.shown[layer.id]);
  const shown = (side ? side.shown[layer.id] : mainShown) ?? shownByDefault(layer);
  const opacity = useView((view) => view.layers.opacity[layer.id]) ?? 1;
  const order = useView((view) => view.work.order);
  const mainFilter = useView((view) => view.filters[layer.id]);
  const conditions = side ? side.filters[layer.id] : mainFilter;

  useEffect(() => {
    const clear = () => {
      if (!map.getStyle()) return;
      for (const name of [id, `${id}-text`]) if (map.getLayer(name)) map.removeLayer(name);
      if (map.getSource(id)) map.removeSource(id);
    };
    if (!shown) return clear;
    const color = ramp(theme.palette, 5)[3]!;
    if (theme.kind === "choropleth" || theme.kind === "bivariate") {
      if (classified?.shapes) {
        put(map, id, zonesOf(theme, classified));
        lay(map, { id, type: "fill", source: id, paint: { "fill-color": ["get", "color"], "fill-opacity": 0.74 * opacity, "fill-outline-color": "#ffffff" } }, above(map, drawn, layer));
      } else if (classified && classified.edges.length > 1 && (classified.fids || inTiles(layer, theme.value))) {
        colored(map, drawn, layer, id, colorOf(theme, classified), toMapFilter(conditions ?? [], layer.fields) ?? null, opacity);
      }
    } else if (theme.kind === "graduated") {
      if (classified?.points) {
        put(map, id, circlesOf(classified));
        lay(map, { id, type: "circle", source: id, paint: {
          "circle-color": color, "circle-opacity": 0.72 * opacity, "circle-radius": ["get", "radius"], "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.2,
        } }, TOP);
      }
    } else if (gathered) {
      const data = cellsOf(gathered);
      const pies = gathered.cells.slice(0, MOST_PIES);
      put(map, id, data);
      const text: LayerSpecification = {
        id: `${id}-text`, type: "symbol", source: id, layout: { "text-field": ["to-string", ["get", "count"]], "text-size": 11, "text-allow-overlap": true },
        paint: { "text-color": theme.kind === "charts" ? "#1d262e" : "#ffffff" },
      };
      if (theme.kind === "heat") {
        lay(map, { id, type: "heatmap", source: id, paint: { "heatmap-weight": ["get", "weight"], "heatmap-radius": 26, "heatmap-opacity": 0.8 * opacity } }, TOP);
      } else if (theme.kind === "cluster") {
        lay(map, { id, type: "circle", source: id, paint: {
          "circle-color": color, "circle-opacity": 0.88 * opacity, "circle-radius": ["get", "radius"], "circle-stroke-color": "#ffffff", "circle-stroke-width": 2,
        } }, TOP);
        lay(map, text, TOP);
      } else {
        const slice = sliceColors(layer, theme.by);
        pies.forEach((cell, i) => {
          const name = `pie-${i}`;
          if (map.hasImage(name)) map.removeImage(name);
          map.addImage(name, pieOf(cell, slice, Number(data.features[i]!.properties!.radius)), { pixelRatio: 2 });
        });
        lay(map, { id, type: "symbol", source: id, filter: ["in", ["get", "pie"], ["literal", pies.map((_, i) => `pie-${i}`)]],
          layout: { "icon-image": ["get", "pie"], "icon-allow-overlap": true }, paint: { "icon-opacity": opacity } }, TOP);
        lay(map, text, TOP);
      }
    }
    return clear;
  }, [map, drawn, layer, theme, classified, gathered, shown, opacity, order, conditions]);
  return null;
}
