import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import type { Layer } from "../api/types";
import { useView } from "../state/view";
import type { Drawn } from "./city";
import { featuresAt } from "./picking";

/** Let clicks and the Enter key identify features; returns how to stop. */
export function attachPointer(map: MapLibre, drawn: Drawn, layers: Layer[]): () => void {
  const canvas = map.getCanvas();
  let frame = 0;

  const identify = (point: { x: number; y: number }, several: boolean) => {
    if (useView.getState().tool !== "identify") return;
    const hits = featuresAt(map, drawn, layers, point);
    const view = useView.getState();
    if (!several) view.pick(hits);
    else if (hits[0]) view.toggle({ layer: hits[0].layer, fid: hits[0].fid });
  };
  const click = (event: MapMouseEvent) => {
    const { ctrlKey, metaKey } = event.originalEvent;
    identify(event.point, ctrlKey || metaKey);
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
    canvas.removeEventListener("keydown", key);
    canvas.style.cursor = "";
  };
}
