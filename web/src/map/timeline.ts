/** The map's part of playback: the moment on the GPU, and what appears and vanishes with a step. */
import type { ExpressionSpecification, GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect, useRef } from "react";
import type { Feature } from "geojson";
import type { Layer } from "../api/types";
import { toMs, today } from "../format/instant";
import { useClock } from "../state/clock";
import { shownByDefault } from "../state/layers";
import { useView } from "../state/view";
import type { Drawn } from "./city";

export const CHANGE_COLORS = { built: "#2f9e44", ended: "#e03131", changed: "#f08c00" };
// More marks than these would hide the city; the counts go on.
const MOST_MARKED = 3000;
const FAR = 1e15;
const EMPTY = { type: "FeatureCollection" as const, features: [] };

function seconds(day: string): number {
  return toMs(day) / 1000;
}

/** Put the marks of what appears and vanishes under the selection. */
function addMarks(map: MapLibre): void {
  if (map.getSource("step")) return;
  const color = ["match", ["get", "change"], "built", CHANGE_COLORS.built, "ended", CHANGE_COLORS.ended, CHANGE_COLORS.changed] as ExpressionSpecification;
  map.addSource("step", { type: "geojson", data: EMPTY });
  map.addLayer({ id: "step-fill", type: "fill", source: "step", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": color, "fill-opacity": 0.75 } }, "focus-fill");
  map.addLayer({ id: "step-line", type: "line", source: "step", filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": color, "line-width": 4 } }, "focus-fill");
  map.addLayer({ id: "step-point", type: "circle", source: "step", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": color, "circle-radius": 6 } }, "focus-fill");
}

function between(name: string, missing: number, after: number, until: number): unknown[] {
  const value = ["coalesce", ["get", name], missing];
  return ["all", [">", value, after], ["<=", value, until]];
}

/** Find what began, ended or changed in some layers after one moment and up to another, in the tiles that the map holds. */
function stepChanges(map: MapLibre, layers: string[], after: number, until: number) {
  const filter = ["any", between("valid_from", -FAR, after, until), between("valid_to", FAR, after, until)] as unknown as ExpressionSpecification;
  const counts = { built: 0, ended: 0, changed: 0 };
  const features: Feature[] = [];
  for (const id of layers) {
    const found = new Map<number, { begins: boolean; ends: boolean; pieces: Feature[] }>();
    for (const feature of map.querySourceFeatures(id, { sourceLayer: id, filter })) {
      const { valid_from: from = -FAR, valid_to: to = FAR } = feature.properties as { valid_from?: number; valid_to?: number };
      const entry = found.get(Number(feature.id)) ?? { begins: false, ends: false, pieces: [] };
      entry.begins ||= from > after && from <= until;
      entry.ends ||= to > after && to <= until;
      entry.pieces.push(feature);
      found.set(Number(feature.id), entry);
    }
    for (const { begins, ends, pieces } of found.values()) {
      const change = begins && ends ? "changed" : begins ? "built" : "ended";
      counts[change] += 1;
      if (features.length < MOST_MARKED) pieces.forEach(({ geometry }) => features.push({ type: "Feature", geometry, properties: { change } }));
    }
  }
  return { counts, features };
}

/** Is something in view shown as cells, in which single features cannot be told apart? */
function isFromAfar(map: MapLibre, layers: string[]): boolean {
  return layers.some((id) => map.querySourceFeatures(id, { sourceLayer: `${id}.cells` }).length > 0);
}

/** Let the map follow the clock. Called before what filters by it, so that the moment is there when the filters come. */
export function useTimeline(map: MapLibre | null, drawn: Drawn | null, layers: Layer[]): void {
  const { day, until } = useView((view) => view.time);
  const pinned = useView((view) => view.time.pinned);
  const span = useClock((clock) => clock.window);
  const shown = day ?? today();
  // The step that the map stands at: what else changes on the map meanwhile is still seen from the day before it.
  const last = useRef({ from: shown, day: shown });

  useEffect(() => {
    if (!map || !drawn) return;
    map.setGlobalStateProperty("moment", [seconds(shown), until ? seconds(until) : seconds(shown) + 1]);
  }, [map, drawn, shown, until]);

  useEffect(() => {
    if (!map || !drawn) return undefined;
    if (!span) {
      map.getSource<GeoJSONSource>("step")?.setData(EMPTY);
      last.current = { from: shown, day: shown };
      return undefined;
    }
    const settle = () => {
      if (!map.areTilesLoaded()) return;
      map.off("idle", settle);
      const visible = useView.getState().layers.shown;
      const ids = layers.filter((layer) => drawn.parts.has(layer.id) && !pinned[layer.id] && (visible[layer.id] ?? shownByDefault(layer))).map((layer) => layer.id);
      const before = last.current.day === shown ? last.current.from : last.current.day;
      const [from, to] = [before, shown].sort() as [string, string];
      const { counts, features } = stepChanges(map, ids, seconds(from), seconds(to));
      addMarks(map);
      map.getSource<GeoJSONSource>("step")?.setData({ type: "FeatureCollection", features });
      last.current = { from: before, day: shown };
      // From afar the numbers of those that are seen one by one would be taken for all.
      const told = isFromAfar(map, ids) ? null : counts;
      map.once("idle", () => useClock.setState({ settled: shown, counts: told }));
    };
    map.on("idle", settle);
    map.triggerRepaint();
    return () => {
      map.off("idle", settle);
    };
  }, [map, drawn, layers, shown, span, pinned]);

  useEffect(() => {
    if (!map) return undefined;
    const picture = () => {
      const { capture } = useClock.getState();
      if (!capture) return;
      useClock.setState({ capture: null });
      capture(map.getCanvas());
    };
    // Within the frame: what was drawn is gone from memory when it is on the screen.
    map.on("render", picture);
    const stop = useClock.subscribe(({ capture }, before) => {
      if (capture && capture !== before.capture) map.triggerRepaint();
    });
    return () => {
      map.off("render", picture);
      stop();
    };
  }, [map]);
}
