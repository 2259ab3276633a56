/** Draw and move marks on the map. Loaded when somebody plots. */
import type { Feature, FeatureCollection, Position } from "geojson";
import type { GeoJSONSource, Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { figureOf, POSITIONS } from "../format/figures";
import { usePen } from "../state/pen";
import { type Mark, usePlot } from "../state/plot";
import { addSymbols, markLayers } from "./marks";
import { isForField, isStepBack, type PenEvent, positionOf, takePen, underCross } from "./pen";

const SOURCE = "plot";
// What a pointer takes hold of; a finger covers more.
const REACH_PX = window.matchMedia("(pointer: coarse)").matches ? 22 : 12;
const FREEHAND_PX = 4;

function featureOf(mark: Pick<Mark, "kind" | "positions" | "color" | "widthPx" | "opacity" | "dashed" | "symbol" | "title">, key: string): Feature | null {
  const geometry = figureOf(mark.kind, mark.positions);
  return geometry && {
    type: "Feature", geometry, properties: {
      key, kind: mark.kind, symbol: mark.symbol, color: mark.color, width_px: mark.widthPx, opacity: mark.opacity, dashed: mark.dashed, title: mark.title,
    },
  };
}

function collection(moving: Position | null): FeatureCollection {
  const { marks, drawing, kind, style, title, chosen } = usePlot.getState();
  const features = marks.map((mark) => featureOf(mark, mark.key)).filter((feature) => feature !== null);
  const handle = (position: Position, index: number): Feature => ({ type: "Feature", geometry: { type: "Point", coordinates: position }, properties: { handle: index } });
  if (kind && drawing.length > 0) {
    const positions = moving ? [...drawing, moving] : drawing;
    const figure = featureOf({ ...style, kind, title, positions }, "drawing");
    if (figure) features.push(figure);
    else if (positions.length > 1) features.push({ type: "Feature", geometry: { type: "LineString", coordinates: positions }, properties: { color: style.color, width_px: 1.5, dashed: true } });
    features.push(...drawing.map(handle));
  }
  const mark = marks.find((candidate) => candidate.key === chosen);
  if (mark && !kind) features.push(...mark.positions.map(handle));
  return { type: "FeatureCollection", features };
}

/** Let clicks set the positions of figures, and drags move them; returns how to stop. */
export function startPlotting(map: MapLibre): () => void {
  let moving: Position | null = null;
  let held: { key: string; index: number | null; from: Position; positions: Position[] } | null = null;
  let free: Position[] | null = null;
  let last: { x: number; y: number } | null = null;

  const lay = () => {
    addSymbols(map);
    map.addSource(SOURCE, { type: "geojson", data: collection(null) });
    markLayers("plot", SOURCE).forEach((layer) => map.addLayer("filter" in layer && layer.type !== "symbol"
      ? { ...layer, filter: ["all", layer.filter, ["!", ["has", "handle"]]] as never } : layer));
    map.addLayer({ id: "plot-handle", type: "circle", source: SOURCE, filter: ["has", "handle"],
      paint: { "circle-radius": 6, "circle-color": "#ffffff", "circle-stroke-color": "#e8590c", "circle-stroke-width": 2.5 } });
  };
  const show = () => map.getSource<GeoJSONSource>(SOURCE)?.setData(collection(moving));
  const at = (event: PenEvent) => positionOf(event.lngLat);
  const near = (event: PenEvent) => map.queryRenderedFeatures(
    [[event.point.x - REACH_PX, event.point.y - REACH_PX], [event.point.x + REACH_PX, event.point.y + REACH_PX]],
    { layers: ["plot-handle", "plot-symbol", "plot-disc", "plot-text", "plot-line", "plot-dashed", "plot"].filter((id) => map.getLayer(id)) });

  const click = (event: MapMouseEvent) => {
    const plot = usePlot.getState();
    if (plot.kind === "freehand") return;
    if (plot.kind) {
      // The second click of a double click is no position of its own.
      if (event.originalEvent.detail > 1) return;
      moving = null;
      plot.put(at(event));
    } else plot.choose((near(event).find((feature) => feature.properties.key)?.properties.key as string | undefined) ?? null);
  };
  const finish = () => {
    moving = null;
    usePlot.getState().finish();
  };
  const down = (event: PenEvent) => {
    const plot = usePlot.getState();
    if ("points" in event && event.points.length > 1) return;
    if (plot.kind === "freehand") {
      event.preventDefault();
      free = [at(event)];
      last = event.point;
      return;
    }
    if (plot.kind) return;
    const found = near(event);
    const index = found.find((feature) => feature.properties.handle !== undefined)?.properties.handle as number | undefined;
    const key = index !== undefined ? plot.chosen : found.find((feature) => feature.properties.key === plot.chosen)?.properties.key as string | undefined;
    const mark = plot.marks.find((candidate) => candidate.key === key);
    if (!mark) return;
    event.preventDefault();
    held = { key: mark.key, index: index ?? null, from: at(event), positions: mark.positions };
  };
  const move = (event: PenEvent) => {
    const plot = usePlot.getState();
    const here = at(event);
    if (free && last) {
      if (Math.hypot(event.point.x - last.x, event.point.y - last.y) < FREEHAND_PX) return;
      free.push(here);
      last = event.point;
      usePlot.setState({ drawing: [...free] });
    } else if (held) {
      const { index, from, positions } = held;
      plot.change(held.key, { positions: positions.map(([x, y], n) => (index === null ? [x! + here[0]! - from[0]!, y! + here[1]! - from[1]!] : n === index ? here : [x!, y!])) }, false);
    } else if (plot.kind && plot.drawing.length > 0) {
      moving = here;
      show();
    }
  };
  const up = () => {
    if (free) {
      const line = free;
      free = last = null;
      usePlot.setState({ drawing: [] });
      if (line.length >= POSITIONS.freehand[0]) usePlot.getState().add("freehand", line);
    }
    if (held) {
      const { key, positions } = held;
      held = null;
      const now = usePlot.getState().marks.find((mark) => mark.key === key)!.positions;
      // While it moved, every pixel was a state; the step that can be taken back is the whole way.
      usePlot.getState().change(key, { positions }, false);
      if (JSON.stringify(now) !== JSON.stringify(positions)) usePlot.getState().change(key, { positions: now });
    }
  };
  const key = (event: KeyboardEvent) => {
    const plot = usePlot.getState();
    if (event.key === "Escape") {
      if (plot.drawing.length > 0) usePlot.setState({ drawing: [] });
      else if (plot.kind) plot.setKind(null);
    } else if (isForField(event)) return;
    else if (event.key === "Enter") finish();
    else if (event.key === " " && plot.kind && plot.kind !== "freehand") {
      event.preventDefault();
      plot.put(underCross(map));
    } else if (event.key === "Delete" && plot.chosen) plot.remove(plot.chosen);
    else if (isStepBack(event)) {
      event.preventDefault();
      if (event.shiftKey) plot.redo();
      else plot.undo();
    }
  };
  const away = takePen(map, {
    source: SOURCE, lay, key,
    on: { click, dblclick: finish, mousedown: down, touchstart: down, mousemove: move, touchmove: move, mouseup: up, touchend: up },
  });
  const stop = usePlot.subscribe((plot) => {
    map.getCanvas().style.cursor = plot.kind ? "crosshair" : "";
    // The freehand line ends where the finger lifts.
    const count = plot.kind && plot.kind !== "freehand" ? plot.drawing.length : 0;
    usePen.setState({ count, back: plot.undo, finish: plot.kind && count >= POSITIONS[plot.kind][0] ? finish : null });
    show();
  });
  if (!usePlot.getState().kind) map.getCanvas().style.cursor = "";
  show();
  return () => {
    stop();
    away();
  };
}
