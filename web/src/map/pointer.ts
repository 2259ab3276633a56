import type { Map as MapLibre, MapMouseEvent, MapTouchEvent } from "maplibre-gl";
import type { Layer } from "../api/types";
import { useView } from "../state/view";
import type { Drawn } from "./city";
import { featuresAt, type Hit } from "./picking";

type Identify = (point: { x: number; y: number }, several: boolean) => void;

// A finger that rests so long adds to what is chosen, as a click with Ctrl does.
const LONG_PRESS_MS = 550;
const STILL_PX = 8;

let glass: Identify | null = null;

function choose(hits: Hit[], several: boolean, asOf: string | null | undefined): void {
  const view = useView.getState();
  if (!several) view.pick(hits, asOf);
  else if (hits[0]) view.toggle({ layer: hits[0].layer, fid: hits[0].fid }, asOf);
}

/** Answer clicks on the map below with what the glass over it shows; returns how to stop. */
export function lendPointer(map: MapLibre, drawn: Drawn, layers: Layer[], asOf: string | null): () => void {
  const own: Identify = (point, several) => choose(featuresAt(map, drawn, layers, point), several, asOf);
  glass = own;
  return () => {
    if (glass === own) glass = null;
  };
}

/** Tell when a finger rests on the map; returns how to stop, and whether the click that follows has been answered already. */
function watchRest(map: MapLibre, rested: (point: { x: number; y: number }) => void): { stop: () => void; took: () => boolean } {
  let timer = 0;
  let answered = false;
  let from = { x: 0, y: 0 };
  const down = (event: MapTouchEvent) => {
    window.clearTimeout(timer);
    answered = false;
    if (event.points.length > 1) return;
    from = event.point;
    timer = window.setTimeout(() => {
      answered = true;
      rested(from);
    }, LONG_PRESS_MS);
  };
  const move = (event: MapTouchEvent) => {
    if (Math.hypot(event.point.x - from.x, event.point.y - from.y) > STILL_PX) window.clearTimeout(timer);
  };
  const lift = () => window.clearTimeout(timer);
  const handlers = [["touchstart", down], ["touchmove", move], ["touchend", lift], ["touchcancel", lift]] as const;
  for (const [name, handler] of handlers) map.on(name, handler);
  return {
    stop: () => {
      lift();
      for (const [name, handler] of handlers) map.off(name, handler);
    },
    took: () => {
      const was = answered;
      answered = false;
      return was;
    },
  };
}

/**
 * Let clicks, a long press and the Enter key identify features; returns how to stop.
 *
 * `asOf` is the day of a pane beside the main map: what is chosen there is shown as of it.
 */
export function attachPointer(map: MapLibre, drawn: Drawn, layers: Layer[], asOf?: string | null): () => void {
  const canvas = map.getCanvas();
  let frame = 0;

  const identify: Identify = (point, several) => {
    if (useView.getState().tool !== "identify") return;
    if (glass && asOf === undefined) glass(point, several);
    else choose(featuresAt(map, drawn, layers, point), several, asOf);
  };
  const rest = watchRest(map, (point) => identify(point, true));
  const click = (event: MapMouseEvent) => {
    const { ctrlKey, metaKey } = event.originalEvent;
    if (!rest.took()) identify(event.point, ctrlKey || metaKey);
  };
  const hover = (event: MapMouseEvent) => {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (useView.getState().tool !== "identify" || map.isMoving()) return;
      const hit = featuresAt(map, drawn, layers, event.point)[0];
      canvas.style.cursor = hit ? "pointer" : "";
      canvas.title = hit?.label ?? "";
    });
  };
  // Without a mouse: move the map with the arrow keys until a feature is under the cross, then press Enter.
  const key = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    const { width, height } = canvas.getBoundingClientRect();
    identify({ x: width / 2, y: height / 2 }, event.ctrlKey || event.metaKey);
  };

  map.on("click", click);
  map.on("mousemove", hover);
  canvas.addEventListener("keydown", key);
  return () => {
    cancelAnimationFrame(frame);
    map.off("click", click);
    map.off("mousemove", hover);
    rest.stop();
    canvas.removeEventListener("keydown", key);
    canvas.style.cursor = "";
  };
}
