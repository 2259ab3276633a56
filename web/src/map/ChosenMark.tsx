import type { LayerSpecification, Map as MapLibre, VectorTileSource } from "maplibre-gl";
import { useEffect } from "react";
import { tileAddress } from "../api/style";
import type { Layer } from "../api/types";
import { useWhen } from "../state/queries";
import { useView } from "../state/view";
import type { Drawn } from "./city";
import { MARK } from "./overlay";

const ID = "chosen";

/** Mark a selection that is too large for a list: its features come as tiles of their own, for the day that the map shows. */
export function ChosenMark({ map, drawn, layers, day }: { map: MapLibre; drawn: Drawn; layers: Layer[]; day?: string | null }) {
  const chosen = useView((view) => view.work.chosen);
  const when = useWhen();
  const layer = layers.find((each) => each.id === chosen?.layer);
  const datetime = day === undefined ? when.datetime : day ?? undefined;
  const tiles = chosen && layer ? tileAddress(layer.id, { datetime, knownAt: when.knownAt }, { op: "selected", args: [chosen.selection] }) : null;
  useEffect(() => {
    const clear = () => {
      if (!map.getStyle()) return;
      if (map.getLayer(ID)) map.removeLayer(ID);
      if (map.getSource(ID)) map.removeSource(ID);
    };
    if (!tiles || !layer) {
      clear();
      return undefined;
    }
    const source = map.getSource<VectorTileSource>(ID);
    const part = drawn.parts.get(layer.id)?.find((each) => "source-layer" in each && !each["source-layer"]?.endsWith(".cells"));
    const like = map.getSource<VectorTileSource>(layer.id);
    if (source || !part || !("source-layer" in part) || !like) return clear;
    map.addSource(ID, { type: "vector", tiles: [tiles], minzoom: like.minzoom, maxzoom: like.maxzoom });
    const common = { id: ID, source: ID, "source-layer": part["source-layer"]! };
    const isPoint = (layer.geometry ?? "").endsWith("Point");
    const made: LayerSpecification = isPoint
      ? { ...common, type: "circle", paint: { "circle-radius": 6, "circle-opacity": 0, "circle-stroke-color": MARK, "circle-stroke-width": 2.2 } }
      : { ...common, type: "line", paint: { "line-color": MARK, "line-width": ["interpolate", ["linear"], ["zoom"], 12, 1, 17, 3] } };
    map.addLayer(made, map.getLayer("focus-fill") ? "focus-fill" : undefined);
    return clear;
  }, [map, drawn, layer, tiles]);
  return null;
}
