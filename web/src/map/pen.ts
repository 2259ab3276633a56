/** A pen on the map: what a tool that draws hears from mouse, finger and keys, what it lays on the map, and how it puts all that away. */
import type { Position } from "geojson";
import type { Map as MapLibre, MapMouseEvent, MapTouchEvent } from "maplibre-gl";
import { restPen } from "../state/pen";

export type PenEvent = MapMouseEvent | MapTouchEvent;

type Heard = "click" | "dblclick" | "mousedown" | "mousemove" | "mouseup" | "touchstart" | "touchmove" | "touchend";

export interface PenUse {
  /** The source that the tool draws into; its layers go with it. */
  source: string;
  /** Lay source and layers; called again when another style was laid. */
  lay: () => void;
  on: Partial<Record<Heard, (event: never) => void>>;
  key: (event: KeyboardEvent) => void;
}

const FINE_PX = 10;
// A finger covers what it points at.
const COARSE_PX = 24;

/** Take the pen; returns how to put it away. */
export function takePen(map: MapLibre, { source, lay, on, key }: PenUse): () => void {
  const put = () => {
    if (!map.getSource(source)) lay();
  };
  const heard = Object.entries(on) as [Heard, (event: never) => void][];
  put();
  map.on("style.load", put);
  for (const [name, handler] of heard) map.on(name, handler as never);
  window.addEventListener("keydown", key);
  map.getCanvas().style.cursor = "crosshair";
  return () => {
    map.off("style.load", put);
    for (const [name, handler] of heard) map.off(name, handler as never);
    window.removeEventListener("keydown", key);
    map.getCanvas().style.cursor = "";
    restPen();
    if (!map.style || !map.getSource(source)) return;
    map.getStyle().layers.filter((layer) => "source" in layer && layer.source === source).forEach((layer) => map.removeLayer(layer.id));
    map.removeSource(source);
  };
}

/** Where a pointer is, as the store keeps positions: nine decimals of a degree are a tenth of a millimetre. */
export function positionOf({ lng, lat }: { lng: number; lat: number }): Position {
  return [Number(lng.toFixed(9)), Number(lat.toFixed(9))];
}

/** The place under the cross in the middle of the map, for who draws without a mouse. */
export function underCross(map: MapLibre): Position {
  return positionOf(map.getCenter());
}

/** Is a pointer at a position that was set before, as near as mouse or finger can tell? */
export function isAt(map: MapLibre, position: Position, point: { x: number; y: number }): boolean {
  const at = map.project(position as [number, number]);
  return Math.hypot(at.x - point.x, at.y - point.y) < (window.matchMedia("(pointer: coarse)").matches ? COARSE_PX : FINE_PX);
}

/** Does a key go to a field or a button, and not to the map? */
export function isForField(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT|BUTTON)$/.test(event.target.tagName);
}

/** Is it the key that takes a step back (or, with Shift, repeats it)? */
export function isStepBack(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
}
