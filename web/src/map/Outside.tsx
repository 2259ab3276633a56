import type { GeoJSONSource, Map as MapLibre, MapMouseEvent, MapSourceDataEvent } from "maplibre-gl";
import { useEffect, useMemo } from "react";
import { askOutside, type Bounds, type OutsideLayer, outsideTiles, readOutsideFeatures } from "../api/outside";
import { CITY, isOutsideShown, orderOf, saidOf, saidOfTile, type TileError, useOutside, useOutsideLayers } from "../state/outside";
import { usePreferences } from "../state/preferences";
import { useView } from "../state/view";
import type { Drawn } from "./city";

const REST_MS = 250;
const INK = { light: "#8a3ffc", dark: "#be95ff" };
const PARTS = { fill: "", line: "-line", circle: "-point" } as const;

/** Return the names of the style layers of a layer, from the ground up. */
function partsOf(layer: OutsideLayer): string[] {
  return layer.form === "pictures" ? [layer.id] : Object.values(PARTS).map((end) => layer.id + end);
}

function add(map: MapLibre, layer: OutsideLayer, dark: boolean): void {
  if (layer.form === "pictures") {
    map.addSource(layer.id, {
      type: "raster", tiles: [outsideTiles(layer.id)], tileSize: layer.tile_size, maxzoom: layer.max_zoom, ...(layer.extent ? { bounds: layer.extent } : {}),
    });
    map.addLayer({ id: layer.id, type: "raster", source: layer.id, paint: { "raster-fade-duration": 0 } });
    return;
  }
  const ink = INK[dark ? "dark" : "light"];
  map.addSource(layer.id, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addLayer({ id: layer.id, type: "fill", source: layer.id, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": ink } });
  map.addLayer({ id: `${layer.id}-line`, type: "line", source: layer.id, filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": ink, "line-width": 1.6 } });
  map.addLayer({
    id: `${layer.id}-point`, type: "circle", source: layer.id, filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-color": ink, "circle-radius": 5, "circle-stroke-color": dark ? "#15191d" : "#ffffff", "circle-stroke-width": 1.4 },
  });
}

function remove(map: MapLibre, layer: OutsideLayer): void {
  for (const id of partsOf(layer)) if (map.getLayer(id)) map.removeLayer(id);
  if (map.getSource(layer.id)) map.removeSource(layer.id);
}

function paint(map: MapLibre, layer: OutsideLayer, shown: boolean, opacity: number): void {
  for (const id of partsOf(layer)) {
    if (!map.getLayer(id)) continue;
    map.setLayoutProperty(id, "visibility", shown ? "visible" : "none");
  }
  if (layer.form === "pictures") return void map.setPaintProperty(layer.id, "raster-opacity", opacity);
  map.setPaintProperty(layer.id, "fill-opacity", opacity * 0.25);
  map.setPaintProperty(`${layer.id}-line`, "line-opacity", opacity);
  map.setPaintProperty(`${layer.id}-point`, "circle-opacity", opacity);
  map.setPaintProperty(`${layer.id}-point`, "circle-stroke-opacity", opacity);
}

/** Lay the layers where the order says, under and over the city's own; letters stay on top. */
function place(map: MapLibre, drawn: Drawn, order: string[], parts: Map<string, string[]>): void {
  const now = map.getLayersOrder();
  const city = new Set([...drawn.parts.values()].flat().map((part) => part.id));
  const ground = now.find((id) => city.has(id)) ?? "focus-fill";
  const letters = now.find((id) => city.has(id) && map.getLayer(id)?.type === "symbol") ?? "focus-fill";
  const at = order.indexOf(CITY);
  const stack = (ids: string[]) => [...ids].reverse().flatMap((id) => parts.get(id) ?? []).filter((id) => map.getLayer(id));
  for (const [ids, above] of [[stack(order.slice(at + 1)), ground], [stack(order.slice(0, at)), letters]] as const) {
    const end = now.indexOf(above);
    // Moved only where it is not there yet: each move makes the style tell of itself again.
    if (ids.length > 0 && ids.join() !== now.slice(end - ids.length, end).join()) ids.forEach((id) => map.moveLayer(id, above));
  }
}

/** Notice what does not come, and what comes again. */
function watch(map: MapLibre, ids: string[]): () => void {
  const { setFault } = useOutside.getState();
  const failed = (event: { sourceId?: string; error?: TileError }) => {
    const id = event.sourceId;
    if (!id || !ids.includes(id)) return console.error(event.error);
    void saidOfTile(event.error).then((text) => setFault(id, text));
  };
  const came = (event: MapSourceDataEvent) => {
    const tile = event.tile as { state?: string } | undefined;
    if (ids.includes(event.sourceId) && tile?.state === "loaded") setFault(event.sourceId, null);
  };
  map.on("error", failed as never);
  map.on("sourcedata", came);
  return () => {
    map.off("error", failed as never);
    map.off("sourcedata", came);
  };
}

/** Keep a layer of features filled with what lies in view. */
function follow(map: MapLibre, id: string): () => void {
  const { setFault, setPartial } = useOutside.getState();
  let timer = 0;
  let asking: AbortController | null = null;
  const read = async () => {
    asking?.abort();
    asking = new AbortController();
    const bounds = map.getBounds();
    const box: Bounds = [Math.max(-180, bounds.getWest()), Math.max(-90, bounds.getSouth()), Math.min(180, bounds.getEast()), Math.min(90, bounds.getNorth())];
    try {
      const found = await readOutsideFeatures(id, box, asking.signal);
      map.getSource<GeoJSONSource>(id)?.setData(found);
      setFault(id, null);
      setPartial(id, !found.complete);
    } catch (error) {
      if (!(error as Error).name.startsWith("Abort")) setFault(id, saidOf(error));
    }
  };
  const moved = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void read(), REST_MS);
  };
  map.on("moveend", moved);
  void read();
  return () => {
    window.clearTimeout(timer);
    asking?.abort();
    map.off("moveend", moved);
  };
}

/** Ask the layers in view what lies at a clicked point. */
function answerClicks(map: MapLibre, layers: OutsideLayer[]): () => void {
  let asking: AbortController | null = null;
  const click = (event: MapMouseEvent) => {
    if (useView.getState().tool !== "identify") return;
    asking?.abort();
    const own = new AbortController();
    asking = own;
    const put = (id: string, change: object) => {
      if (!own.signal.aborted) useOutside.setState(({ answers }) => ({ answers: answers.map((each) => (each.id === id ? { ...each, busy: false, ...change } : each)) }));
    };
    const featured = layers.filter((layer) => layer.form === "features").map((layer) => {
      const ids = partsOf(layer).filter((id) => map.getLayer(id));
      const { x, y } = event.point;
      const found = map.queryRenderedFeatures([[x - 4, y - 4], [x + 4, y + 4]], { layers: ids });
      const unique = [...new Map(found.map((feature) => [feature.id, feature.properties])).values()].slice(0, 10);
      return { id: layer.id, title: layer.title, features: unique, text: "", fault: "", busy: false };
    }).filter(({ features }) => features.length > 0);
    const asked = layers.filter((layer) => layer.form === "pictures" && layer.asks);
    useOutside.setState({ answers: [...featured, ...asked.map(({ id, title }) => ({ id, title, features: [], text: "", fault: "", busy: true }))] });
    for (const { id } of asked) {
      askOutside(id, event.lngLat.lng, event.lngLat.lat, map.getZoom(), own.signal).then((told) => put(id, told)).catch((error: unknown) => put(id, { fault: saidOf(error) }));
    }
  };
  map.on("click", click);
  return () => {
    asking?.abort();
    map.off("click", click);
  };
}

/** Layers of other services on the map, and whose they are; a pane may have chosen its own (`chosen`). */
export default function Outside({ map, drawn, chosen = null }: { map: MapLibre; drawn: Drawn; chosen?: string[] | null }) {
  const read = useOutsideLayers();
  const outside = useView((view) => view.work.outside);
  const { shown, opacity } = useView((view) => view.layers);
  const dark = usePreferences((preferences) => preferences.theme === "dark");
  const there = read.flatMap(({ layer }) => (layer?.allowed ? [layer] : []));
  const names = there.map((layer) => layer.id).join();
  const layers = useMemo(() => there, [names]);
  const isShown = (layer: OutsideLayer) => isOutsideShown(layer.id, shown, chosen);
  const visible = layers.filter(isShown);
  const seen = visible.map((layer) => layer.id).join();
  const order = orderOf(outside);

  useEffect(() => {
    layers.forEach((layer) => add(map, layer, dark));
    const stop = watch(map, layers.map((layer) => layer.id));
    return () => {
      stop();
      // With another style they are gone already.
      if (map.style) layers.forEach((layer) => remove(map, layer));
    };
  }, [map, drawn, layers, dark]);
  useEffect(() => {
    layers.forEach((layer) => paint(map, layer, isShown(layer), opacity[layer.id] ?? 1));
  }, [map, drawn, layers, dark, shown, opacity, chosen]);
  useEffect(() => {
    const parts = new Map(layers.map((layer) => [layer.id, partsOf(layer)]));
    const settle = () => place(map, drawn, order, parts);
    settle();
    map.on("styledata", settle);
    return () => void map.off("styledata", settle);
  }, [map, drawn, layers, dark, order.join()]);
  useEffect(() => {
    const stops = visible.filter((layer) => layer.form === "features").map((layer) => follow(map, layer.id));
    return () => stops.forEach((stop) => stop());
  }, [map, drawn, dark, seen]);
  useEffect(() => {
    const stop = answerClicks(map, visible);
    return () => {
      stop();
      useOutside.setState({ answers: [] });
    };
  }, [map, drawn, seen]);

  const owners = [...new Set(visible.map((layer) => layer.attribution || layer.service || layer.origin))];
  return owners.length > 0 ? <p className="outside-note">© {owners.join(" · ")}</p> : null;
}
