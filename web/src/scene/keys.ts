/** The scene by keyboard: arrows move, with Shift they turn and tilt, plus and minus change the distance. */
import type { CesiumWidget } from "@cesium/engine";
import { look, seen } from "./camera";

const STEP_PX = 100;
const TURN_DEG = 15;
const TILT_DEG = 8;

/** Let keys move the camera while the scene has the keyboard; returns how to stop. */
export function attachKeys(widget: CesiumWidget): () => void {
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const camera = seen(widget)?.camera;
    if (!camera) return;
    const x = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
    const y = { ArrowDown: -1, ArrowUp: 1 }[event.key] ?? 0;
    const closer = { "+": 1, "=": 1, "-": -1 }[event.key] ?? 0;
    if (x === 0 && y === 0 && closer === 0) return;
    event.preventDefault();
    if (event.shiftKey && closer === 0) {
      look(widget, { ...camera, bearing: camera.bearing + x * TURN_DEG, pitch: Math.min(85, Math.max(0, camera.pitch + y * TILT_DEG)) });
      return;
    }
    const degrees = (STEP_PX * 360) / (512 * 2 ** camera.zoom);
    const turn = (camera.bearing * Math.PI) / 180;
    const flat = Math.cos((camera.lat * Math.PI) / 180);
    look(widget, {
      ...camera,
      zoom: Math.min(21, Math.max(7, camera.zoom + closer / 2)),
      lon: camera.lon + degrees * (x * Math.cos(turn) + y * Math.sin(turn)),
      lat: camera.lat + degrees * flat * (y * Math.cos(turn) - x * Math.sin(turn)),
    });
  };
  widget.canvas.addEventListener("keydown", press);
  return () => widget.canvas.removeEventListener("keydown", press);
}
