/** The first map begins before the desk around it: as soon as its program, the city and its style are there. */
import type { LayerSpecification, Map as MapLibre, StyleSpecification } from "maplibre-gl";
import type { Layer } from "../api/types";
import { firstAnswers } from "../state/first";
import { momentsOf } from "../state/moment";
import { usePreferences } from "../state/preferences";
import { useView, type View } from "../state/view";
import { composeCity, type Composed, type Drawn, isSeen } from "./city";
import { createMap } from "./create";
import { groundStyle } from "./ground";
import { addSymbols, MARKED, markLayers } from "./marks";
import { overlay } from "./overlay";
import { opacityOf } from "./paint";

export interface Begun {
  map: MapLibre;
  frame: HTMLElement;
  /** Where the view was when it began. */
  camera: View["camera"];
  layers: Layer[];
  style: StyleSpecification;
  dark: boolean;
  drawn: Drawn;
  isLaid: boolean;
}

let beginning: Promise<Begun | null> | null = null;

/** Begin the map in a frame of its own under the desk; once, and not where the answers it needs have been taken. */
export function begin(): Promise<unknown> {
  beginning ??= make().catch(() => null);
  return beginning;
}

/** Take the map that was begun, once; null where there is none, or the browser cannot draw it. */
export function takeBegun(): Promise<Begun | null> {
  const taken = beginning ?? Promise.resolve(null);
  beginning = Promise.resolve(null);
  return taken;
}

/** Put the first map into the place of the map, where the view is by now: a kept view or another link may have come since it began. */
export function place({ map, frame, camera }: Begun, into: HTMLElement): void {
  into.append(frame);
  const wanted = useView.getState().camera;
  if (wanted && wanted !== camera) map.jumpTo({ center: [wanted.lon, wanted.lat], zoom: wanted.zoom, bearing: wanted.bearing, pitch: wanted.pitch });
}

/** Show and fade the style layers at once as the view says: what changes later makes the map lay its tiles twice. */
function asViewed({ layers: parts, drawn }: Composed, layers: Layer[], { layers: said }: View): LayerSpecification[] {
  const own = new Map([...drawn.parts.values()].flat().map((part) => [part.id, part]));
  return parts.map((part) => {
    const layer = layers.find(({ id }) => "source" in part && part.source === id)!;
    const opacity = Object.fromEntries(opacityOf(own.get(part.id)!, said.opacity[layer.id] ?? 1).filter(([, value]) => value !== undefined));
    return {
      ...part, paint: { ...part.paint, ...opacity },
      layout: { ...part.layout, visibility: isSeen(part, layer, said.shown, said.relief) ? "visible" : "none" },
    } as LayerSpecification;
  });
}

/** What is filtered or drawn in another style needs more answers, and other tiles; a scene needs no map. */
function isPlain({ scene, filters, work }: View): boolean {
  return !scene && Object.keys(filters).length === 0 && Object.keys(work.styles).length === 0;
}

async function make(): Promise<Begun | null> {
  const first = firstAnswers();
  if (!first || !isPlain(useView.getState())) return null;
  const [config, style] = await Promise.all(first);
  const view = useView.getState();
  if (!isPlain(view)) return null;
  const dark = usePreferences.getState().theme === "dark";
  const { city, layers } = config;
  const composed = composeCity(style, layers, momentsOf(view.time, null).of, dark);
  const { drawn } = composed;
  let parts = asViewed(composed, layers, view);
  const hasMarks = drawn.parts.has(MARKED);
  if (hasMarks) {
    const marks = markLayers(MARKED, MARKED, MARKED);
    drawn.parts.set(MARKED, marks);
    parts = [...parts.filter((part) => !("source" in part) || part.source !== MARKED),
      ...asViewed({ ...composed, layers: marks }, layers, view)];
  }
  const ground = groundStyle(city, dark);
  const above = overlay();
  const frame = document.createElement("div");
  frame.className = "map-first";
  document.body.prepend(frame);
  try {
    const map = createMap(frame, city, view.camera, dark, {
      ...ground, sources: { ...ground.sources, ...composed.sources, ...above.sources }, layers: [...ground.layers, ...parts, ...above.layers],
    });
    const begun: Begun = { map, frame, camera: view.camera, layers, style, dark, drawn, isLaid: false };
    map.once("style.load", () => {
      if (hasMarks) addSymbols(map);
      begun.isLaid = true;
    });
    return begun;
  } catch (error) {
    frame.remove();
    throw error;
  }
}
