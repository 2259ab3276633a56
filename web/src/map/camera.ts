import type { LngLatBoundsLike, Map as MapLibre } from "maplibre-gl";
import { type Flight, useView } from "../state/view";
import { TEST_MODE } from "./create";

/** Tell the view where the camera is, whenever it comes to rest; returns how to stop. */
export function reportCamera(map: MapLibre): () => void {
  const report = () => {
    const center = map.getCenter();
    useView.getState().moved(
      { lon: center.lng, lat: center.lat, zoom: map.getZoom(), bearing: map.getBearing(), pitch: map.getPitch() }, seen(map),
    );
  };
  // A panel that opens or closes covers more or less of the map.
  let frame = 0;
  const uncovered = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      const { bounds } = useView.getState();
      if (!bounds || seen(map).some((edge, i) => Math.abs(edge - bounds[i]!) > 1e-9)) report();
    });
  };
  const sizes = new ResizeObserver(uncovered);
  const stage = map.getContainer().closest(".stage");
  const watch = () => {
    sizes.disconnect();
    stage?.querySelectorAll("[data-covers]").forEach((panel) => sizes.observe(panel));
    uncovered();
  };
  const panels = new MutationObserver(watch);
  if (stage) panels.observe(stage, { childList: true });
  watch();
  map.on("moveend", report);
  map.on("resize", report);
  report();
  return () => {
    cancelAnimationFrame(frame);
    sizes.disconnect();
    panels.disconnect();
    map.off("moveend", report);
    map.off("resize", report);
  };
}

// What is left of a side that is narrower than this is no view.
const LEAST_PX = 120;

/** Which side of the map a panel covers. On a phone it lies across the map, mostly from below, whatever side it has at a desk. */
function sideOf(panel: HTMLElement, box: DOMRect, frame: DOMRect): string | undefined {
  if (box.width < frame.width - LEAST_PX) return panel.dataset.covers;
  return box.top - frame.top > frame.bottom - box.bottom ? "bottom" : "top";
}

/** Return the part of the city that the map shows and no panel covers, in degrees. */
function seen(map: MapLibre): [number, number, number, number] {
  const frame = map.getContainer().getBoundingClientRect();
  let { left, top, right, bottom } = { left: 0, top: 0, right: frame.width, bottom: frame.height };
  for (const panel of document.querySelectorAll<HTMLElement>("[data-covers]")) {
    const box = panel.getBoundingClientRect();
    const side = sideOf(panel, box, frame);
    if (side === "left" && frame.right - box.right >= LEAST_PX) left = Math.max(left, box.right - frame.left);
    if (side === "right" && box.left - frame.left >= LEAST_PX) right = Math.min(right, box.left - frame.left);
    if (side === "bottom" && box.top - frame.top >= LEAST_PX) bottom = Math.min(bottom, box.top - frame.top);
    if (side === "top" && frame.bottom - box.bottom >= LEAST_PX) top = Math.max(top, box.bottom - frame.top);
  }
  if (right - left < LEAST_PX || bottom - top < LEAST_PX) [left, top, right, bottom] = [0, 0, frame.width, frame.height];
  const corners = ([[left, top], [right, top], [right, bottom], [left, bottom]] as [number, number][]).map((point) => map.unproject(point));
  const lons = corners.map((corner) => corner.lng);
  const lats = corners.map((corner) => corner.lat);
  // A tilted map sees beyond its horizon; the map knows where that ends.
  if (map.getPitch() > 0) {
    const bounds = map.getBounds();
    return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  }
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

/** How much of each side of the map the open panels cover, in pixels. */
function covered(map: MapLibre): { top: number; right: number; bottom: number; left: number } {
  const frame = map.getContainer().getBoundingClientRect();
  const margin = { top: 40, right: 40, bottom: 40, left: 40 };
  for (const panel of document.querySelectorAll<HTMLElement>("[data-covers]")) {
    const box = panel.getBoundingClientRect();
    const side = sideOf(panel, box, frame);
    if (side === "left") margin.left = Math.max(margin.left, box.right - frame.left + 24);
    if (side === "right") margin.right = Math.max(margin.right, frame.right - box.left + 24);
    if (side === "bottom") margin.bottom = Math.max(margin.bottom, frame.bottom - box.top + 24);
    if (side === "top") margin.top = Math.max(margin.top, box.bottom - frame.top + 24);
  }
  // Panels that cover nearly everything (a phone) must leave a place to fly to.
  if (margin.left + margin.right > frame.width - 80) margin.left = margin.right = 20;
  if (margin.top + margin.bottom > frame.height - 80) margin.top = margin.bottom = 20;
  return margin;
}

const LATE_PANEL_MS = 2000;

/** Fly where the panels ask for; returns how to stop. */
export function followFlights(map: MapLibre): () => void {
  let done = useView.getState().flight?.token ?? 0;
  const still = TEST_MODE || window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const duration = still ? 0 : 700;
  let last: { flight: Flight; atMs: number; covers: string } | null = null;
  const go = (flight: Flight) => {
    last = { flight, atMs: last?.flight === flight ? last.atMs : performance.now(), covers: JSON.stringify(covered(map)) };
    fly(map, flight, duration);
  };
  // The panel of what was chosen comes after the wish to see it: then the way goes on to what is left of the map.
  const panels = new MutationObserver((changes) => {
    if (!last || changes.every((change) => change.addedNodes.length === 0) || performance.now() - last.atMs > LATE_PANEL_MS || last.covers === JSON.stringify(covered(map))) return;
    if (last.flight.bounds) go(last.flight);
  });
  const stage = map.getContainer().closest(".stage");
  if (stage) panels.observe(stage, { childList: true });
  // Whoever takes the map in hand is not led on.
  const taken = ({ originalEvent }: { originalEvent?: unknown }) => {
    if (originalEvent) last = null;
  };
  map.on("movestart", taken);
  const stop = useView.subscribe(({ flight }) => {
    if (!flight || flight.token === done) return;
    done = flight.token;
    go(flight);
  });
  return () => {
    stop();
    panels.disconnect();
    map.off("movestart", taken);
  };
}

function fly(map: MapLibre, flight: Flight, duration: number): void {
  const turned = { bearing: flight.bearing ?? map.getBearing(), pitch: flight.pitch ?? map.getPitch() };
  if (flight.bounds) {
    const [minx, miny, maxx, maxy] = flight.bounds;
    const bounds: LngLatBoundsLike = [[minx, miny], [maxx, maxy]];
    map.fitBounds(bounds, { padding: covered(map), maxZoom: flight.zoom ?? 18, duration, ...turned });
  } else if (flight.center && flight.zoom === undefined) {
    map.easeTo({ center: flight.center, duration, ...turned });
  } else if (flight.center) {
    map.easeTo({ center: flight.center, zoom: flight.zoom, duration, ...turned });
  }
}
