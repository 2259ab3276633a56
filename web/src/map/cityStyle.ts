/** The style of the city with the styles that the reader has chosen of some layers. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { LayerSpecification, StyleSpecification } from "maplibre-gl";
import { useMemo } from "react";
import { readLayerStyle } from "../api/style";
import type { Layer } from "../api/types";
import { chosenStyles, countingStyles } from "../state/styles";
import { useView } from "../state/view";

const of = (part: LayerSpecification, id: string) => "source" in part && part.source === id;

/** Put another style of a layer in the place of its own. */
export function replaced(city: StyleSpecification, id: string, other: StyleSpecification): StyleSpecification {
  const [letters, grounds] = [true, false].map((wanted) => other.layers.filter((part) => of(part, id) && (part.type === "symbol") === wanted)) as [LayerSpecification[], LayerSpecification[]];
  const layers: LayerSpecification[] = [];
  const laid = { letters: false, grounds: false };
  for (const part of city.layers) {
    if (!of(part, id)) {
      layers.push(part);
      continue;
    }
    const kind = part.type === "symbol" ? "letters" : "grounds";
    if (!laid[kind]) layers.push(...(kind === "letters" ? letters : grounds));
    laid[kind] = true;
  }
  return { ...city, layers };
}

/** Return the city's style with what was chosen in it (`own` by a pane of a day, else by the view); the city's own until that is there. */
export function useChosenStyles(city: StyleSpecification | undefined, layers: Layer[], reader: string, language: string,
  own?: Record<string, string> | null, day?: string | null): StyleSpecification | undefined {
  const main = useView((view) => view.work.styles);
  // A pane follows the main map in all layers for which it has not chosen itself.
  const chosen = useMemo(() => chosenStyles(layers, { ...main, ...own }), [layers, main, own]);
  const names = Object.entries(chosen);
  const time = useView((view) => view.time);
  const counting = useMemo(() => new Map(countingStyles(layers, chosen)), [layers, chosen]);
  const when = (id: string) => (counting.has(id) ? { datetime: (own === undefined ? time.pinned[id] ?? time.day : day) ?? undefined, knownAt: time.knownAt ?? undefined } : {});
  const others = useQuery({
    queryKey: ["layer-styles", "", reader, language, chosen, names.map(([id]) => when(id)), { watch: [...counting].flat() }],
    enabled: names.length > 0, staleTime: Infinity, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => Promise.all(names.map(async ([id, name]) => [id, await readLayerStyle(id, name, when(id), signal)] as const)),
  });
  return useMemo(() => {
    if (!city || names.length === 0 || !others.data) return city;
    return others.data.reduce((whole, [id, style]) => replaced(whole, id, style), city);
  }, [city, chosen, others.data]);
}
