import type { CesiumWidget } from "@cesium/engine";
import { useEffect, useMemo, useState } from "react";
import type { City } from "../api/types";
import { lookOf } from "../state/look";
import { CITY, isOutsideShown, orderOf, useOutside, useOutsideLayers } from "../state/outside";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";
import { drape, type Grounds } from "./ground";
import { layOutside } from "./outside";
import { useScene } from "./state";

// A slider that is drawn along must not have a ground laid for each of its steps.
const REST_MS = 250;

/** Return a text as it was when it last rested. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setRested(text), REST_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return rested;
}

/** What lies on the ground of the scene: the map as the view has it, or imagery, under and over it layers of other services, and whose those are. */
export function SceneGround({ widget, grounds, city }: { widget: CesiumWidget; grounds: Grounds; city: City }) {
  const { t } = useWords();
  const layers = useLayers();
  const read = useOutsideLayers();
  const seen = useView((view) => view.layers);
  const filters = useView((view) => view.filters);
  const work = useView((view) => view.work);
  const time = useView((view) => view.time);
  const imagery = useScene((scene) => scene.imagery);
  const order = orderOf(work.outside);
  const visible = read.flatMap(({ layer }) => (layer?.allowed && isOutsideShown(layer.id, seen.shown) ? [layer] : []));
  const pictures = visible.filter((layer) => layer.form === "pictures");
  const below = order.slice(order.indexOf(CITY) + 1);
  const isOver = pictures.some((layer) => below.includes(layer.id));
  const { day, knownAt } = time;
  // What the map shows of hidden, reordered, filtered layers is on the ground as well; what lies under it shows through.
  const asked = useRested(useMemo(() => JSON.stringify({ ...lookOf(layers, { layers: seen, filters, work, time }), ...(isOver ? { transparent: "true" } : {}) }),
    [layers, seen, filters, work, time, isOver]));
  const said = pictures.map((layer) => `${layer.id}.${seen.opacity[layer.id] ?? 1}`).join();
  const laid = useMemo(() => pictures.map((layer) => ({ layer, opacity: seen.opacity[layer.id] ?? 1 })), [said]);

  useEffect(() => drape(widget, imagery ? "imagery" : "map", grounds, city.extent, {
    ...(imagery ? {} : JSON.parse(asked) as Record<string, string>), datetime: day ?? undefined, "known-at": knownAt ?? undefined,
  }), [widget, grounds, imagery, day, knownAt, city.id, asked]);
  // After the map, whenever that is laid: they lie under and over it.
  useEffect(() => {
    const { setFault } = useOutside.getState();
    const of = (ids: string[]) => [...ids].reverse().flatMap((id) => laid.filter(({ layer }) => layer.id === id));
    laid.forEach(({ layer }) => setFault(layer.id, null));
    const stops = [layOutside(widget, of(below), true, setFault), layOutside(widget, of(order.slice(0, Math.max(0, order.indexOf(CITY)))), false, setFault)];
    return () => stops.forEach((stop) => stop());
  }, [widget, grounds, imagery, day, knownAt, city.id, asked, laid, order.join()]);

  const owners = [...new Set(pictures.map((layer) => layer.attribution || layer.service || layer.origin))];
  const flat = visible.length - pictures.length;
  const words = [owners.length > 0 && `© ${owners.join(" · ")}`, flat > 0 && t("outside.flatOnly", { count: flat })].filter(Boolean);
  return words.length > 0 ? <p className="outside-note" data-laid={pictures.length}>{words.join(" · ")}</p> : null;
}
