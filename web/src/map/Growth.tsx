import type { GeoJSONSource, LayerSpecification, Map as MapLibre } from "maplibre-gl";
import { useEffect, useMemo } from "react";
import { today } from "../format/instant";
import { useGrowth, useProgress } from "../state/construction";
import { usePreferences, useWords } from "../state/preferences";
import { useView } from "../state/view";
import type { Drawn } from "./city";
import { colorOf, countFloors, decisive, floorsOf, GROWN, grownOf, layersOf, signsOf } from "./growth";

declare global {
  interface Window {
    /** Set in test mode only. */
    __growth?: { standing: number; ghosts: number };
  }
}

const TOP = "focus-fill";
const FLAT = 0;

/** Let buildings of the tiles lie flat where they grow here; returns how to raise them again. */
function lower(map: MapLibre, drawn: Drawn, fids: number[]): () => void {
  const parts = (drawn.parts.get("building") ?? []).filter((part): part is Extract<LayerSpecification, { type: "fill-extrusion" }> => part.type === "fill-extrusion");
  const grown = ["boolean", ["feature-state", "grown"], false];
  const state = (id: number) => ({ source: "building", sourceLayer: "building", id });
  if (map.getSource("building")) fids.forEach((id) => map.setFeatureState(state(id), { grown: true }));
  for (const { id, paint } of parts) {
    map.setPaintProperty(id, "fill-extrusion-height", ["case", grown, FLAT, paint?.["fill-extrusion-height"] ?? FLAT] as never);
    map.setPaintProperty(id, "fill-extrusion-base", ["case", grown, FLAT, paint?.["fill-extrusion-base"] ?? FLAT] as never);
  }
  return () => {
    if (!map.getStyle()) return;
    if (map.getSource("building")) fids.forEach((id) => map.removeFeatureState(state(id), "grown"));
    for (const { id, paint } of parts) {
      if (!map.getLayer(id)) continue;
      map.setPaintProperty(id, "fill-extrusion-height", paint?.["fill-extrusion-height"] as never);
      map.setPaintProperty(id, "fill-extrusion-base", paint?.["fill-extrusion-base"] as never);
    }
  };
}

/** The watched projects on the map, growing with the day. */
export default function Growth({ map, drawn }: { map: MapLibre; drawn: Drawn }) {
  const { t, language } = useWords();
  const data = useGrowth().data;
  const progress = useProgress().data;
  const watched = useView((view) => view.watch);
  const day = useView((view) => view.time.day) ?? today();
  const dark = usePreferences((preferences) => preferences.theme === "dark");
  const projects = useMemo(() => (data?.projects ?? []).filter((project) => watched.includes(project.fid)), [data, watched]);

  useEffect(() => {
    if (!data || projects.length === 0) return undefined;
    map.setGlobalStateProperty("grown", decisive(day, data.today));
    map.addSource("growth", { type: "geojson", data: floorsOf(projects) });
    map.addSource("growth-signs", { type: "geojson", data: signsOf(projects, day, data.today, () => "") });
    const layers = layersOf(dark);
    for (const layer of layers) map.addLayer(layer, layer.type === "symbol" || !map.getLayer(TOP) ? undefined : TOP);
    const raise = lower(map, drawn, grownOf(projects));
    return () => {
      raise();
      if (!map.getStyle()) return;
      for (const { id } of layers) if (map.getLayer(id)) map.removeLayer(id);
      for (const id of ["growth", "growth-signs"]) if (map.getSource(id)) map.removeSource(id);
    };
    // The day is set below, without laying anything anew.
  }, [map, drawn, data?.today, projects, dark]);

  useEffect(() => {
    if (!data || !map.getSource("growth")) return;
    map.setGlobalStateProperty("grown", decisive(day, data.today));
    if (window.__map) window.__growth = countFloors(projects, day, data.today);
  }, [map, drawn, data, projects, day, dark]);

  useEffect(() => {
    if (!data || !map.getSource("growth")) return;
    const known = new Map((progress?.projects ?? []).map((project) => [project.fid, project]));
    const color = colorOf(new Map([...known].map(([fid, { state }]) => [fid, state])));
    map.setPaintProperty(GROWN[0], "fill-color", color);
    map.setPaintProperty(GROWN[1], "line-color", color);
    map.setPaintProperty(GROWN[2], "fill-extrusion-color", color);
    const put = (value: number | null) => (value === null ? t("grow.unknown") : t("grow.percent", { value: value.toFixed(1) }));
    const said = (fid: number) => {
      const project = known.get(fid);
      return project ? `${project.label}\n${t("grow.sign", { state: t(`grow.state.${project.state}`), actual: put(project.actual_percent), planned: put(project.planned_percent) })}` : "";
    };
    map.getSource<GeoJSONSource>("growth-signs")?.setData(signsOf(projects, day, data.today, said));
  }, [map, drawn, data, projects, progress, day, dark, language]);
  return null;
}
