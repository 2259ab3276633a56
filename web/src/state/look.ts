/** The look of the map as `/ogc/map/tiles` is asked for it: layers, order, styles, opacity, filters and days of single layers. */
import type { Layer } from "../api/types";
import { toCql2 } from "../format/condition";
import type { LinkedView } from "./link";
import { shownByDefault, topDown } from "./layers";
import { chosenStyles } from "./styles";

// The server reads no longer ones; what does not fit leaves its layer unfiltered.
const MOST_CHARACTERS = 5_000;

type Seen = Pick<LinkedView, "layers" | "filters" | "work" | "time">;

/** Return a percentage in the steps that the server draws; what is hardly seen is seen all the same. */
function inSteps(opacity: number): number {
  return opacity <= 0 ? 0 : Math.max(5, Math.round(opacity * 20) * 5);
}

/** Return the parameters of the picture that shows what the map shows; none at all for the map that everybody has. */
export function lookOf(layers: Layer[], { layers: { shown, opacity }, filters, work, time: { pinned } }: Seen): Record<string, string> {
  const seen = topDown(layers, work.order).filter((layer) => shown[layer.id] ?? shownByDefault(layer)).reverse();
  const styles = chosenStyles(layers, work.styles);
  const percent = seen.map(({ id }) => inSteps(opacity[id] ?? 1));
  const wishes: Record<string, unknown> = {};
  for (const layer of seen) {
    const filter = toCql2(filters[layer.id] ?? [], layer.fields);
    if (filter && JSON.stringify({ ...wishes, [layer.id]: filter }).length <= MOST_CHARACTERS) wishes[layer.id] = filter;
  }
  const days = Object.fromEntries(seen.flatMap(({ id }) => (pinned[id] ? [[id, pinned[id]] as const] : [])));
  const isChosen = seen.some(({ id }) => styles[id]);
  const isFaint = percent.some((value) => value < 100);
  const isUsual = work.order.length === 0 && layers.every((layer) => layer.kind !== "spatial" || (shown[layer.id] ?? shownByDefault(layer)) === shownByDefault(layer));
  const own = {
    ...(isChosen ? { styles: seen.map(({ id }) => styles[id] ?? "").join(",") } : {}),
    ...(isFaint ? { opacity: percent.map((value) => (value < 100 ? String(value) : "")).join(",") } : {}),
    ...(Object.keys(wishes).length > 0 ? { filters: JSON.stringify(wishes) } : {}),
    ...(Object.keys(days).length > 0 ? { datetimes: JSON.stringify(days) } : {}),
  };
  return isUsual && Object.keys(own).length === 0 ? {} : { collections: seen.map(({ id }) => id).join(","), ...own };
}
