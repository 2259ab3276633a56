/** The globe: one scene that draws only when something changed, and fetches nothing from other hosts. */
import {
  Cartesian3, CesiumWidget, Color, Credit, CreditDisplay, DirectionalLight, JulianDate, Matrix3, Matrix4, RequestScheduler,
  Transforms,
} from "@cesium/engine";
import { address } from "../api/http";
import type { City } from "../api/types";
import { levelGround } from "./ground";

declare global {
  interface Window {
    /** Where the engine finds its workers and files. */
    CESIUM_BASE_URL?: string;
  }
}

// The paper of the map, the earth below it, and what is behind all.
const TONES = {
  light: { paper: "#f3f0e9", earth: "#5a5148", beyond: "#dfe8ee" },
  dark: { paper: "#15191d", earth: "#0b0e11", beyond: "#0e1114" },
};

export const TEST_MODE = new URLSearchParams(window.location.search).has("test");

/** Make the globe in an element. Throws when the browser has no WebGL 2. */
export function createGlobe(container: HTMLElement, city: City, dark: boolean): CesiumWidget {
  window.CESIUM_BASE_URL = address("globe/");
  // One server answers for all; its lanes are many.
  RequestScheduler.maximumRequestsPerServer = 12;
  // Its picture would be of a service that is not asked.
  CreditDisplay.cesiumCredit = new Credit("");
  const widget = new CesiumWidget(container, {
    baseLayer: false,
    skyBox: false,
    skyAtmosphere: false,
    scene3DOnly: true,
    shadows: false,
    requestRenderMode: true,
    maximumRenderTimeChange: Infinity,
    showRenderLoopErrors: false,
    msaaSamples: 1,
    creditContainer: document.createElement("div"),
    contextOptions: { webgl: { preserveDrawingBuffer: TEST_MODE } },
  });
  const { scene } = widget;
  scene.fog.enabled = false;
  scene.terrainProvider = levelGround(city.geoid_offset_m);
  scene.globe.showGroundAtmosphere = false;
  scene.globe.depthTestAgainstTerrain = true;
  if (scene.sun) scene.sun.show = false;
  if (scene.moon) scene.moon.show = false;
  paint(widget, dark);
  const [lon, lat] = city.center;
  scene.light = studioLight(lon, lat);
  widget.clock.shouldAnimate = false;
  widget.clock.currentTime = JulianDate.now();
  widget.canvas.tabIndex = 0;
  widget.canvas.setAttribute("role", "application");
  return widget;
}

/** Give the globe the paper of the map. */
export function paint(widget: CesiumWidget, dark: boolean): void {
  const tones = TONES[dark ? "dark" : "light"];
  widget.scene.globe.baseColor = Color.fromCssColorString(tones.paper);
  widget.scene.globe.undergroundColor = Color.fromCssColorString(tones.earth);
  widget.scene.backgroundColor = Color.fromCssColorString(tones.beyond);
  widget.scene.requestRender();
}

/** Return light from the north-west and above, as maps are shaded by. */
export function studioLight(lon: number, lat: number): DirectionalLight {
  const frame = Matrix4.getMatrix3(Transforms.eastNorthUpToFixedFrame(Cartesian3.fromDegrees(lon, lat)), new Matrix3());
  const fall = Cartesian3.normalize(new Cartesian3(0.55, -0.65, -1.0), new Cartesian3());
  return new DirectionalLight({ direction: Matrix3.multiplyByVector(frame, fall, new Cartesian3()), intensity: 1.9 });
}
