/** Filters of the view state in the scene: by the fields that tiles hold where those can tell, else by the numbers that the server gives. */
import { type Cesium3DTileFeature, type CesiumWidget, Math as Angles } from "@cesium/engine";
import { useQueries } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { nameFeatures } from "../api/named";
import type { Selected } from "../api/statistics";
import type { Layer, LayerField } from "../api/types";
import { type Condition, isGroup, isWhole, toCql2 } from "../format/condition";
import type { Bounds } from "../format/geometry";
import { readerOf, useSession } from "../state/session";
import { useView } from "../state/view";

export type Passes = (feature: Cesium3DTileFeature) => boolean;

export interface Filtered {
  passes?: Passes;
  /** How many features in view pass, as the server counts; null while it does. */
  count: number | null;
  /** More pass than the server names: what is drawn is not all. */
  cut: boolean;
  failed: boolean;
}

const MOST_NAMED = 10_000;
const ORDERED = new Set<LayerField["type"]>(["integer", "number", "date"]);

/** Return the test of conditions on what tiles hold of a feature; undefined where tiles cannot tell. */
export function tileTest(conditions: Condition[], fields: LayerField[]): Passes | undefined {
  const tests: Passes[] = [];
  for (const condition of conditions) {
    const test = one(condition, fields);
    if (!test) return undefined;
    tests.push(test);
  }
  return (feature) => tests.every((test) => test(feature));
}

function one(condition: Condition, fields: LayerField[]): Passes | undefined {
  if (isGroup(condition)) {
    // What has no value is neither true nor false: where it is negated, the server answers.
    if (condition.op === "not") return undefined;
    const tests = (condition.terms ?? []).map((term) => one(term, fields));
    if (tests.length === 0 || tests.includes(undefined)) return undefined;
    return condition.op === "or" ? (feature) => tests.some((test) => test!(feature)) : (feature) => tests.every((test) => test!(feature));
  }
  const field = fields.find((each) => each.name === condition.field);
  // Of a truth value and a moment tiles hold another form than conditions.
  if (!field?.tile || !(ORDERED.has(field.type) || ["string", "code"].includes(field.type))) return undefined;
  const wanted = condition.value;
  const value = (feature: Cesium3DTileFeature): unknown => feature.getProperty(field.name);
  const known = (found: unknown) => found !== undefined && found !== null && found !== "";
  const compared = (holds: (found: never, than: never) => boolean): Passes => (feature) => {
    const found = value(feature);
    return known(found) && holds(found as never, wanted as never);
  };
  switch (condition.op) {
    case "null": return (feature) => !known(value(feature));
    case "notnull": return (feature) => known(value(feature));
    case "in": return (feature) => (Array.isArray(wanted) ? wanted : [wanted]).includes(value(feature) as string);
    case "like": return compared((found: string) => String(found).includes(String(wanted)));
    case "=": return compared((found, than) => found === than);
    case "<>": return compared((found, than) => found !== than);
    default:
      if (!ORDERED.has(field.type)) return undefined;
      return { "<": compared((a: number, b: number) => a < b), "<=": compared((a: number, b: number) => a <= b),
        ">": compared((a: number, b: number) => a > b), ">=": compared((a: number, b: number) => a >= b) }[condition.op as string];
  }
}

/** Return the box of what a camera sees, to a thousandth of a degree and within the city. */
function boxOf(widget: CesiumWidget, extent: Bounds): Bounds {
  const seen = widget.camera.computeViewRectangle();
  if (!seen) return extent;
  const [west, south, east, north] = [seen.west, seen.south, seen.east, seen.north].map(Angles.toDegrees) as Bounds;
  const out: Bounds = [Math.floor(west * 1000) / 1000, Math.floor(south * 1000) / 1000, Math.ceil(east * 1000) / 1000, Math.ceil(north * 1000) / 1000];
  const box: Bounds = [Math.max(extent[0], out[0]), Math.max(extent[1], out[1]), Math.min(extent[2], out[2]), Math.min(extent[3], out[3])];
  return box[0] < box[2] && box[1] < box[3] ? box : extent;
}

/** Let filters hold in the scene; returns what became of each filtered layer. */
export function useSceneFilters(widget: CesiumWidget | null, formed: Layer[], extent: Bounds | undefined): Map<string, Filtered> {
  const filters = useView((view) => view.filters);
  const { day, knownAt } = useView((view) => view.time);
  const camera = useView((view) => view.camera);
  const name = useSession(readerOf);
  const [box, setBox] = useState<Bounds | null>(null);
  useEffect(() => {
    if (!widget || widget.isDestroyed() || !extent) return;
    const next = boxOf(widget, extent);
    setBox((now) => (now && now.every((degrees, i) => degrees === next[i]) ? now : next));
  }, [widget, camera, extent]);
  const asked = useMemo(() => formed.flatMap((layer) => {
    const conditions = (filters[layer.id] ?? []).filter(isWhole);
    const filter = toCql2(conditions, layer.fields);
    return filter ? [{ layer, filter, test: tileTest(conditions, layer.fields) }] : [];
  }), [formed, filters]);
  const answers = useQueries({
    queries: asked.map(({ layer, filter, test }) => ({
      queryKey: ["scene-filter", layer.id, filter, box, day, knownAt, name],
      queryFn: ({ signal }: { signal: AbortSignal }) => nameFeatures(
        { bbox: box ?? undefined, datetime: day ?? undefined, known_at: knownAt ?? undefined }, layer.id, filter, test ? 1 : MOST_NAMED, signal),
      enabled: box !== null,
      placeholderData: (previous: Selected | undefined) => previous,
    })),
  });
  // Answers are new objects at each drawing; what they say is not.
  const said = answers.map(({ data, isError }) => `${data?.count}/${data?.fids.length}/${data?.fids[0]}/${data?.fids.at(-1)}/${isError}`).join(" ");
  return useMemo(() => new Map(asked.map(({ layer, test }, i) => {
    const { data: answer, isError, isPlaceholderData } = answers[i]!;
    // What stands in for an answer may be that of another layer.
    const data = answer?.layer === layer.id ? answer : undefined;
    const named = test ? null : new Set(data?.fids ?? []);
    return [layer.id, {
      // Until the server has said which pass, none is shown that may not.
      passes: test ?? ((feature: Cesium3DTileFeature) => named!.has(Number(feature.getProperty("fid")))),
      count: data && !isPlaceholderData ? data.count : null, cut: !test && (data?.count ?? 0) > (data?.fids.length ?? 0), failed: isError,
    }];
  })), [asked, said, answers.map((answer) => answer.isPlaceholderData).join()]);
}
