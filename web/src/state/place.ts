/** The part of the city that statistics, selections and charts ask about, as the server wants it. */
import { useQuery } from "@tanstack/react-query";
import type { Geometry } from "geojson";
import { create } from "zustand";
import { readStatistics, type Where } from "../api/statistics";
import { useLayers, useWhen } from "./queries";
import { useView } from "./view";
import type { Place, Rule } from "./work";

export type Shape = "rectangle" | "polygon" | "circle";

/** Which shape is being drawn with the tool `area`. */
export const useShape = create<{ shape: Shape }>()(() => ({ shape: "rectangle" }));

/** Begin to draw an area on the map. */
export function drawArea(shape: Shape): void {
  useShape.setState({ shape });
  useView.getState().setTool("area");
}

const VIEW: Place = { kind: "view" };

function round(value: number): number {
  return Number(value.toFixed(6));
}

/** Write a place for the server; null while it is not complete (nothing drawn, nothing chosen, no map yet). */
export function whereOf(place: Place, rule: Rule, bounds: [number, number, number, number] | null, when: { datetime?: string; knownAt?: string }): Where | null {
  const time = { ...(when.datetime ? { datetime: when.datetime } : {}), ...(when.knownAt ? { known_at: when.knownAt } : {}), rule };
  const buffer = place.bufferM ? { buffer_m: place.bufferM } : {};
  switch (place.kind) {
    case "city":
      return { ...time, rule: "intersects" };
    case "area":
      return place.geometry ? { ...time, ...buffer, area: place.geometry } : null;
    case "features":
      return place.features && place.features.fids.length > 0 ? { ...time, ...buffer, features: place.features } : null;
    default:
      return bounds ? { ...time, bbox: bounds.map(round) as [number, number, number, number] } : null;
  }
}

/** Return the place that is asked about. */
export function useWhere(): Where | null {
  const { place, rule } = useView((view) => view.work);
  const bounds = useView((view) => view.bounds);
  const when = useWhen();
  return whereOf(place, rule, bounds, when);
}

/** Return what the map shows, as a place. */
export function useViewWhere(): Where | null {
  const bounds = useView((view) => view.bounds);
  const when = useWhen();
  return whereOf(VIEW, "intersects", bounds, when);
}

/** Return the geometry of the place, to be drawn; null where it is the view or the city. */
export function usePlaceArea(): Geometry | null {
  const { place } = useView((view) => view.work);
  const where = useWhere();
  const layers = useLayers();
  const stored = layers.find((layer) => layer.kind === "spatial");
  const asks = (place.kind === "features" || Boolean(place.bufferM)) && where !== null && place.kind !== "view" && place.kind !== "city";
  const asked = useQuery({
    queryKey: ["place", place.features?.layer ?? "", { ...where, rule: undefined }],
    queryFn: ({ signal }) => readStatistics({ ...where!, rule: "intersects" }, [{ layer: stored!.id, filter: { op: "=", args: [{ property: "id" }, 0] } }], false, signal),
    enabled: asks && stored !== undefined,
  });
  if (place.kind === "view" || place.kind === "city") return null;
  return asks ? asked.data?.area ?? null : place.geometry ?? null;
}

