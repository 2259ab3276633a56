/** When the scene is drawn: every tile in view is there, and a frame shows it. */
import { Cesium3DTileset, type CesiumWidget } from "@cesium/engine";
import { useScene } from "./state";

// A tile that never comes must not hold a film for ever.
const PATIENCE_MS = 20_000;
const QUIET_FRAMES = 2;

/** Has everything in view been loaded? */
export function isLoaded(widget: CesiumWidget): boolean {
  const { scene } = widget;
  if (!scene.globe.tilesLoaded) return false;
  // What passes a filter may still have to be said by the server.
  if ([...useScene.getState().filtered.values()].some(({ count, failed }) => count === null && !failed)) return false;
  for (let i = 0; i < scene.primitives.length; i += 1) {
    const primitive: unknown = scene.primitives.get(i);
    if (primitive instanceof Cesium3DTileset && primitive.show && !primitive.tilesLoaded) return false;
  }
  return true;
}

/**
 * Wait until the scene has drawn all that is in view; false where it was stopped before.
 *
 * What is asked for is known only after a frame: it is drawn once all is loaded in some frames in a row.
 */
export function whenDrawn(widget: CesiumWidget, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const { scene } = widget;
    const began = performance.now();
    let quiet = 0;
    let timer = 0;
    const end = (isDrawn: boolean) => {
      stop();
      window.clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      resolve(isDrawn);
    };
    const abort = () => end(false);
    const look = () => {
      quiet = isLoaded(widget) ? quiet + 1 : 0;
      if (quiet > QUIET_FRAMES || performance.now() - began > PATIENCE_MS) end(true);
      else timer = window.setTimeout(() => { if (!widget.isDestroyed()) scene.requestRender(); }, 0);
    };
    const stop = scene.postRender.addEventListener(look) as () => void;
    if (signal.aborted) return end(false);
    signal.addEventListener("abort", abort, { once: true });
    return scene.requestRender();
  });
}
