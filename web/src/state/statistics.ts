/** Numbers of layers in a place, and the filters that charts set. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ClassTotal, type LayerAsked, readStatistics, type Where } from "../api/statistics";
import type { Layer } from "../api/types";
import { type Condition, toCql2 } from "../format/condition";
import { useView } from "./view";
import type { ChartSpec } from "./work";

const BINS = 16;
const NO_CONDITIONS: Condition[] = [];

/** Ask for the numbers of one layer in a place; the layer's filter holds, but for the conditions on `free`. */
export function useLayerStatistics(layer: Layer | undefined, where: Where | null, asked: Omit<LayerAsked, "layer" | "filter">, options: {
  measure?: boolean; free?: string; enabled?: boolean;
} = {}) {
  const conditions = useView((view) => (layer ? view.filters[layer.id] : undefined)) ?? NO_CONDITIONS;
  const held = conditions.filter((condition) => !options.free || condition.field !== options.free);
  const filter = layer ? toCql2(held, layer.fields) : null;
  const body: LayerAsked = { layer: layer?.id ?? "", ...asked, ...(filter ? { filter } : {}) };
  return useQuery({
    queryKey: ["statistics", layer?.id, where, body, options.measure ?? false],
    queryFn: ({ signal }) => readStatistics(where!, [body], options.measure ?? false, signal),
    enabled: layer !== undefined && where !== null && options.enabled !== false,
    placeholderData: keepPreviousData,
    select: (answer) => ({ ...answer.layers[0]!, how: answer }),
  });
}

/** Return what a chart asks the server. */
export function chartAsks(spec: ChartSpec): Omit<LayerAsked, "layer" | "filter"> {
  const field = spec.measure.split(":")[1];
  return { by: spec.by, ...(spec.kind === "histogram" ? { bins: BINS } : {}), ...(field ? { fields: [field] } : {}) };
}

/** Return the number that a chart shows for a class. */
export function chartValue(spec: ChartSpec, each: Pick<ClassTotal, "count" | "fields">): number {
  const [measure, field] = spec.measure.split(":");
  if (!field) return each.count;
  const total = each.fields[field];
  return (measure === "sum" ? total?.sum : total?.mean) ?? 0;
}

/** Is a class of a chart among what the filter leaves? True for all where nothing is filtered. */
export function isKept(conditions: Condition[], spec: ChartSpec, each: ClassTotal): boolean {
  const own = conditions.filter((condition) => condition.field === spec.by);
  return own.every(({ op, value }) => {
    if (each.from !== undefined) return op === ">=" ? each.from >= Number(value) : op === "<" || op === "<=" ? each.to! <= Number(value) : true;
    if (op === "in" || op === "=") return (Array.isArray(value) ? value : [value]).includes(each.value as string);
    if (op === "null") return each.value === null;
    return op === "notnull" ? each.value !== null : op === ">=" ? isAfter(each.value, value) : op === "<" ? !isAfter(each.value, value) : true;
  });
}

function isAfter(value: ClassTotal["value"], bound: Condition["value"]): boolean {
  return Number(value) >= Number(String(bound).slice(0, 4)) || Number(value) >= Number(bound);
}

/** Turn the filter on a class of a chart on, or off where it is on already; `also` keeps other values of the field. */
export function toggleClass(layer: Layer, spec: ChartSpec, each: ClassTotal, also = false): void {
  const view = useView.getState();
  const all = view.filters[layer.id] ?? NO_CONDITIONS;
  const others = all.filter((condition) => condition.field !== spec.by);
  const own = all.filter((condition) => condition.field === spec.by);
  const wanted = conditionsOf(layer, spec, each);
  if (JSON.stringify(own) === JSON.stringify(wanted)) return view.setFilter(layer.id, others);
  const held = own[0]?.op === "in" && Array.isArray(own[0].value) ? own[0].value : null;
  if (also && held && wanted[0]?.op === "in") {
    const value = each.value as string | number;
    const next = held.includes(value) ? held.filter((other) => other !== value) : [...held, value];
    return view.setFilter(layer.id, next.length > 0 ? [...others, { field: spec.by, op: "in", value: next }] : others);
  }
  return view.setFilter(layer.id, [...others, ...wanted]);
}

function conditionsOf(layer: Layer, spec: ChartSpec, each: ClassTotal): Condition[] {
  const field = spec.by;
  if (each.from !== undefined && each.to !== undefined) return [{ field, op: ">=", value: each.from }, { field, op: "<", value: each.to }];
  if (each.value === null) return [{ field, op: "null" }];
  const type = layer.fields.find((candidate) => candidate.name === field)?.type;
  if (type === "boolean") return [{ field, op: "=", value: each.value as boolean }];
  if (type === "date" || type === "datetime") {
    const end = type === "date" ? "" : "T00:00:00Z";
    return [{ field, op: ">=", value: `${each.value}-01-01${end}` }, { field, op: "<", value: `${Number(each.value) + 1}-01-01${end}` }];
  }
  return [{ field, op: "in", value: [each.value as string | number] }];
}
