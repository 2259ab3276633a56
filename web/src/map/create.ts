import { Map as MapLibre, prewarm, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
// Without this address the production build would draw nothing at all: the worker cannot find itself in a bundle.
import workerUrl from "virtual:map-worker";
import "maplibre-gl/dist/maplibre-gl.css";
import { answerLanguage, seenSeq } from "../api/http";
import type { City } from "../api/types";
import type { Camera } from "../state/link";
import { groundStyle } from "./ground";

setWorkerUrl(workerUrl);
// It starts while the city is asked for, and stays for the next map.
prewarm();

/** Letters of the map come from the reader's own machine; no font is fetched. */
export const MAP_FONT = '"Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Source Han Sans SC", sans-serif';

export const TEST_MODE = new URLSearchParams(window.location.search).has("test");

/** Make the map in an element, with the paper under the city or with a whole style. Throws when the browser has no WebGL 2. */
export function createMap(container: HTMLElement, city: City, camera: Camera | null, dark: boolean, style: StyleSpecification = groundStyle(city, dark)): MapLibre {
  const firstSeq = seenSeq();
  const map = new MapLibre({
    container,
    style,
    center: camera ? [camera.lon, camera.lat] : city.center,
    zoom: camera?.zoom ?? city.zoom,
    bearing: camera?.bearing ?? 0,
    pitch: camera?.pitch ?? 0,
    minZoom: 7,
    maxZoom: 21,
    maxPitch: 70,
    attributionControl: false,
    localIdeographFontFamily: MAP_FONT,
    fadeDuration: TEST_MODE ? 0 : 120,
    canvasContextAttributes: { antialias: true, preserveDrawingBuffer: TEST_MODE },
    transformRequest: (url) => ({
      url,
      credentials: "same-origin",
      // What keeps another service from answering is told in words.
      headers: { ...(seenSeq() > 0 ? { "Gis-Seq": String(seenSeq()) } : {}), ...(url.includes("/api/outside/") ? { "Accept-Language": answerLanguage() } : {}) },
      // A tile that the browser keeps may be older than a change it has heard of: ask whether it still holds.
      cache: seenSeq() > firstSeq ? "no-cache" : "default",
    }),
  });
  map.getCanvas().setAttribute("role", "application");
  map.touchPitch.enable();
  return map;
}
