/** Thematic maps: what each asks the server, and what it means. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { readClassification, readClusters, type ValueAsked } from "../api/thematic";
import type { Layer } from "../api/types";
import { type Condition, toCql2 } from "../format/condition";
import { useLayers, useWhen } from "./queries";
import { useView } from "./view";
import type { Theme, ThemeKind, ThemeValue } from "./work";

const NONE: Condition[] = [];
export const CLASSED: ThemeKind[] = ["choropleth", "graduated", "bivariate"];
const CELL_PX = { heat: 14, cluster: 72, charts: 88 };

/** A pane beside the main map: its day, filters and layers; absent: the main map. */
export interface ThemeSide {
  day: string | null;
  filters: Record<string, Condition[]>;
  shown: Record<string, boolean>;
  /** The layers of other services that it shows; null: as the main map. */
  outside: string[] | null;
}

function useFilter(layer: Layer, side?: ThemeSide): Record<string, unknown> | null {
  const main = useView((view) => view.filters[layer.id]) ?? NONE;
  const conditions = side ? side.filters[layer.id] ?? NONE : main;
  return toCql2(conditions, layer.fields);
}

function useMoment(layer: Layer, side?: ThemeSide): { datetime?: string; known_at?: string } {
  const when = useWhen();
  const pinned = useView((view) => view.time.pinned[layer.id]);
  const knownAt = when.knownAt;
  const datetime = side ? side.day ?? undefined : pinned ?? when.datetime;
  return { ...(datetime ? { datetime } : {}), ...(knownAt ? { known_at: knownAt } : {}) };
}

/** Ask for the classes of a theme. What lies in zones is filtered as its own layer is. */
export function useClassification(layer: Layer, theme: Theme, side?: ThemeSide) {
  const filter = useFilter(layer, side);
  const moment = useMoment(layer, side);
  const layers = useLayers();
  const filters = useView((view) => view.filters);
  const asked = (value: ThemeValue): ValueAsked => {
    if (!value.of) return value;
    const inner = layers.find((candidate) => candidate.id === value.of!.layer);
    const within = inner ? toCql2(filters[inner.id] ?? [], inner.fields) : null;
    return { per: value.per, of: { ...value.of, ...(within ? { filter: within } : {}) } };
  };
  const body = {
    ...moment, layer: layer.id, value: asked(theme.value), ...(theme.kind === "bivariate" && theme.second ? { second: asked(theme.second) } : {}),
    method: theme.method, classes: theme.classes, ...(theme.method === "manual" ? { breaks: theme.breaks ?? [] } : {}), ...(filter ? { filter } : {}),
    ...(theme.kind === "graduated" ? { points: true } : layer.group === "admin" ? { shapes: true } : {}),
  };
  // What lies in zones changes with another layer than theirs.
  const watch = { watch: [theme.value.of?.layer, theme.second?.of?.layer].filter((id) => id !== undefined) };
  const whole = useQuery({
    queryKey: ["theme", layer.id, body, watch],
    queryFn: ({ signal }) => readClassification(body, signal),
    enabled: CLASSED.includes(theme.kind) && (theme.method !== "manual" || (theme.breaks?.length ?? 0) > 0),
    placeholderData: keepPreviousData,
  });
  // Of many features the classes are those of all, and the values those of what is in view.
  const bounds = useView((view) => view.bounds);
  const found = whole.data;
  const isMany = found !== undefined && !found.fids && (theme.kind === "graduated" || !inTiles(layer, theme.value) || theme.kind === "bivariate");
  const seen = { ...body, bbox: (bounds ?? []).map((edge) => Number(edge.toFixed(5))) };
  const part = useQuery({
    queryKey: ["theme", layer.id, seen, watch], queryFn: ({ signal }) => readClassification(seen, signal),
    enabled: isMany && bounds !== null, placeholderData: keepPreviousData,
  }).data;
  const data = useMemo(() => (found && isMany && part?.fids ? {
    ...found, fids: part.fids, values: part.values, ...(part.points ? { points: part.points } : {}),
    ...(found.second && part.second ? { second: { ...found.second, fids: part.second.fids, values: part.second.values } } : {}),
  } : found), [found, part, isMany]);
  return { ...whole, data };
}

/** Ask for what is in view, gathered in cells. */
export function useClusters(layer: Layer, theme: Theme, side?: ThemeSide) {
  const filter = useFilter(layer, side);
  const moment = useMoment(layer, side);
  const bounds = useView((view) => view.bounds);
  const zoom = useView((view) => Math.round(view.camera?.zoom ?? 10));
  const kind = theme.kind as keyof typeof CELL_PX;
  const body = {
    ...moment, layer: layer.id, zoom, bbox: (bounds ?? []).map((edge) => Number(edge.toFixed(5))), cell_px: CELL_PX[kind] ?? 72,
    ...(kind === "charts" && theme.by ? { by: theme.by } : {}), ...(filter ? { filter } : {}),
  };
  return useQuery({
    queryKey: ["theme", layer.id, body],
    queryFn: ({ signal }) => readClusters(body, signal),
    enabled: !CLASSED.includes(theme.kind) && bounds !== null && (kind !== "charts" || Boolean(theme.by)),
    placeholderData: keepPreviousData,
  });
}

/** May the map colour a value by what its tiles hold, when there are too many features to send? */
export function inTiles(layer: Layer, value: ThemeValue): boolean {
  const { field: drawn, extrude, label } = layer.symbology ?? {};
  const has = (name: string) => layer.fields.some((field) => field.name === name && (field.tile || [drawn, extrude, label?.field].includes(name)));
  return Boolean(value.field) && !value.of && has(value.field!) && (value.per === "none" || (value.per !== "area" && has(value.per.replace("own:", ""))));
}
