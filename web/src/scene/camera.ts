/** The camera of the view state on the globe, and back: the same place and scale as on the map. */
import { Cartesian2, Cartesian3, Cartographic, type CesiumWidget, HeadingPitchRange, Math as Angles, Matrix4, type PerspectiveFrustum } from "@cesium/engine";
import type { Bounds } from "../format/geometry";
import type { Camera } from "../state/link";
import { type Flight, useView } from "../state/view";

const WORLD_M = 2 * Math.PI * 6_378_137;
const TILE_PX = 512;
const STEEPEST = 85;
const FRESH_PITCH = 55;

/** Metres that a pixel in the middle of the map is wide. */
function metresPerPixel(zoom: number, lat: number): number {
  return (WORLD_M * Math.cos(Angles.toRadians(lat))) / (TILE_PX * 2 ** zoom);
}

function halfHeight(widget: CesiumWidget): number {
  const { fovy } = widget.camera.frustum as PerspectiveFrustum;
  return Math.tan((fovy ?? 1) / 2);
}

function groundAt(widget: CesiumWidget, lon: number, lat: number): number {
  return widget.scene.globe.getHeight(Cartographic.fromDegrees(lon, lat)) ?? 0;
}

/** Put the camera where a view says. */
export function look(widget: CesiumWidget, { lon, lat, zoom, bearing, pitch }: Camera): void {
  const height = Math.max(1, widget.canvas.clientHeight);
  const range = (metresPerPixel(zoom, lat) * height) / (2 * halfHeight(widget));
  const target = Cartesian3.fromDegrees(lon, lat, groundAt(widget, lon, lat));
  widget.camera.lookAt(target, new HeadingPitchRange(Angles.toRadians(bearing), Angles.toRadians(Math.min(pitch, STEEPEST) - 90), range));
  widget.camera.lookAtTransform(Matrix4.IDENTITY);
  widget.scene.requestRender();
}

/** Return what the camera looks at, as a view has it; null where it looks into the sky. */
export function seen(widget: CesiumWidget): { camera: Camera; bounds: Bounds } | null {
  const { camera, scene, canvas } = widget;
  const ray = camera.getPickRay(new Cartesian2(canvas.clientWidth / 2, canvas.clientHeight / 2));
  const target = (ray && scene.globe.pick(ray, scene)) ?? camera.pickEllipsoid(new Cartesian2(canvas.clientWidth / 2, canvas.clientHeight / 2));
  if (!target) return null;
  const place = Cartographic.fromCartesian(target);
  const lon = Angles.toDegrees(place.longitude);
  const lat = Angles.toDegrees(place.latitude);
  const range = Cartesian3.distance(camera.positionWC, target);
  const perPixel = (range * 2 * halfHeight(widget)) / Math.max(1, canvas.clientHeight);
  const zoom = Math.log2((WORLD_M * Math.cos(place.latitude)) / (TILE_PX * perPixel));
  const east = (perPixel * canvas.clientWidth) / 2 / (111_320 * Math.cos(place.latitude));
  const north = (perPixel * canvas.clientHeight) / 2 / 111_320;
  const bearing = ((Angles.toDegrees(camera.heading) + 180) % 360) - 180;
  const pitch = Math.min(STEEPEST, Math.max(0, Angles.toDegrees(camera.pitch) + 90));
  return {
    camera: { lon, lat, zoom: Math.min(21, Math.max(7, zoom)), bearing, pitch },
    bounds: [lon - east, lat - north, lon + east, lat + north],
  };
}

/** Begin where the map was, tilted, so that what is high is seen to be. */
export function begin(widget: CesiumWidget, camera: Camera | null, center: [number, number], zoom: number): void {
  const from = camera ?? { lon: center[0], lat: center[1], zoom: Math.max(zoom, 14), bearing: 0, pitch: 0 };
  look(widget, { ...from, pitch: from.pitch < 5 ? FRESH_PITCH : from.pitch });
}

/** Tell the view where the camera is whenever it comes to rest; returns how to stop. */
export function reportCamera(widget: CesiumWidget): () => void {
  const report = () => {
    const found = seen(widget);
    if (found) useView.getState().moved(found.camera, found.bounds);
  };
  return widget.camera.moveEnd.addEventListener(report) as () => void;
}

/** Fly where the panels ask for; returns how to stop. */
export function followFlights(widget: CesiumWidget): () => void {
  let done = useView.getState().flight?.token ?? 0;
  return useView.subscribe(({ flight, camera }) => {
    if (!flight || flight.token === done) return;
    done = flight.token;
    const goal = goalOf(widget, flight, camera);
    if (!goal) return;
    look(widget, goal);
    const found = seen(widget);
    if (found) useView.getState().moved(found.camera, found.bounds);
  });
}

function goalOf(widget: CesiumWidget, { bounds, center, zoom, bearing, pitch }: Flight, now: Camera | null): Camera | null {
  const turned = { bearing: bearing ?? now?.bearing ?? 0, pitch: pitch || now?.pitch || FRESH_PITCH };
  if (bounds) {
    const [west, south, east, north] = bounds;
    const lat = (south + north) / 2;
    const metres = Math.max((east - west) * 111_320 * Math.cos(Angles.toRadians(lat)), (north - south) * 111_320, 40);
    const pixels = Math.min(widget.canvas.clientWidth, widget.canvas.clientHeight) * 0.5;
    const fitting = Math.log2((WORLD_M * Math.cos(Angles.toRadians(lat)) * pixels) / (TILE_PX * metres));
    return { lon: (west + east) / 2, lat, zoom: Math.min(zoom ?? 18, fitting), ...turned };
  }
  return center ? { lon: center[0], lat: center[1], zoom: zoom ?? now?.zoom ?? 15, ...turned } : null;
}
