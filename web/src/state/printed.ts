/** What the screen shows, as sheets and reports are asked for it. */
import type { PrintedTheme } from "../api/print";
import type { Classified, ValueAsked } from "../api/thematic";
import type { Layer } from "../api/types";
import { toCql2 } from "../format/condition";
import { BIVARIATE, NO_DATA, radiusOf, ramp, sliceColors, valuesOf } from "../format/palette";
import { shownByDefault, topDown } from "./layers";
import { CITY, isOutsideShown, orderOf } from "./outside";
import { client } from "./queries";
import { chosenStyles } from "./styles";
import { CLASSED } from "./themes";
import { useView } from "./view";
import type { Theme } from "./work";

interface Asked {
  value: ValueAsked;
  second?: ValueAsked;
  filter?: Record<string, unknown>;
  datetime?: string;
}

/** Return the layers that are shown, from the ground up, with their filters, days and styles. */
export function shownLayers(layers: Layer[]): { layer: string; filter?: Record<string, unknown>; datetime?: string; style?: string }[] {
  const { layers: { shown }, work, filters, time } = useView.getState();
  const styles = chosenStyles(layers, work.styles);
  return topDown(layers, work.order).filter((layer) => shown[layer.id] ?? shownByDefault(layer)).reverse().map((layer) => ({
    layer: layer.id, filter: toCql2(filters[layer.id] ?? [], layer.fields) ?? undefined, datetime: time.pinned[layer.id],
    ...(styles[layer.id] ? { style: styles[layer.id] } : {}),
  }));
}

/** Return the layers of other services that are shown, from the ground up, and which of them lie over the city's own. */
export function shownOutside(): { layer: string; opacity: number; over: boolean }[] {
  const { layers: { shown, opacity }, work } = useView.getState();
  const order = orderOf(work.outside);
  const city = order.indexOf(CITY);
  // What a link names and this reader may not see, or is gone, is not asked for.
  const isThere = (id: string) => client.getQueriesData({ queryKey: ["outside", id] }).some(([, data]) => data !== undefined);
  return order.flatMap((id, at) => (id === CITY || !isOutsideShown(id, shown) || !isThere(id) ? [] : [{ layer: id, opacity: opacity[id] ?? 1, over: at < city }])).reverse();
}

/** Return what the server has answered to a theme that is on the map, and what it was asked. */
function answered(layer: string): [Asked, Classified] | null {
  const found = client.getQueryCache().findAll({ queryKey: ["theme", layer], type: "active" }).filter((query) => query.state.data !== undefined).at(-1);
  return found ? [found.queryKey[2] as Asked, found.state.data as Classified] : null;
}

/** Return the thematic maps that are shown, with their classes fixed as they are now. */
export function shownThemes(layers: Layer[]): PrintedTheme[] {
  const { layers: { shown }, work } = useView.getState();
  return Object.entries(work.themes).flatMap(([id, theme]): PrintedTheme[] => {
    const layer = layers.find((each) => each.id === id);
    if (!layer || !(shown[id] ?? shownByDefault(layer))) return [];
    if (!CLASSED.includes(theme.kind)) return gathered(layer, theme);
    const found = answered(id);
    return found && found[1].edges.length > 1 ? [fixed(id, theme, ...found)] : [];
  });
}

/** Heat, clusters and charts: the server counts in the cells of the sheet's own scale. */
function gathered(layer: Layer, theme: Theme): PrintedTheme[] {
  if (theme.kind === "charts" && !theme.by) return [];
  const { filters, time } = useView.getState();
  const filter = toCql2(filters[layer.id] ?? [], layer.fields);
  const color = sliceColors(layer, theme.by);
  return [{
    layer: layer.id, kind: theme.kind, ...(filter ? { filter } : {}), ...(time.pinned[layer.id] ? { datetime: time.pinned[layer.id] } : {}), no_data: NO_DATA,
    ...(theme.kind === "cluster" ? { colors: [ramp(theme.palette, 5)[3]!] } : {}),
    ...(theme.kind === "charts" ? { by: theme.by!, slices: valuesOf(layer, theme.by).map((value) => ({ value, color: color(value) })) } : {}),
  }];
}

function fixed(layer: string, theme: Theme, asked: Asked, found: Classified): PrintedTheme {
  const breaks = found.edges.slice(1, -1);
  const common = {
    layer, kind: theme.kind, value: asked.value, breaks, no_data: NO_DATA,
    ...(asked.filter ? { filter: asked.filter } : {}), ...(asked.datetime ? { datetime: asked.datetime } : {}),
  };
  if (theme.kind === "bivariate") return { ...common, second: asked.second!, second_breaks: found.second?.edges.slice(1, -1) ?? [], colors: BIVARIATE.flat() };
  if (theme.kind === "graduated") return { ...common, colors: [ramp(theme.palette, 5)[3]!], sizes: breaks.concat(0).map((_, index) => radiusOf(index)) };
  return { ...common, colors: ramp(theme.palette, breaks.length + 1) };
}
