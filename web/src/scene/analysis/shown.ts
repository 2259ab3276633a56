/** What of the view an analysis is made of: its day, what was known, the layers that are shown, and their filters. */
import { useMemo } from "react";
import type { Layer } from "../../api/types";
import { isWhole, toCql2 } from "../../format/condition";
import { shownByDefault } from "../../state/layers";
import { useLayers } from "../../state/queries";
import { useView } from "../../state/view";
import { hasForm, isUnderground } from "../tilesets";

export interface Shown {
  datetime: string | null;
  knownAt: string | null;
  /** The layers that stand; undefined where the view hides none of them. */
  layers?: string[];
  /** The titles of the layers that the view hides. */
  hidden: Layer[];
  filters: Record<string, unknown>;
  /** The layers whose filters count only for pipes. */
  below: string[];
}

/** Return what the view shows of the layers that an analysis can be made of. */
export function shownOf(all: Layer[], { day, knownAt }: { day: string | null; knownAt: string | null }, shown: Record<string, boolean>,
  filters: Record<string, Parameters<typeof toCql2>[0]>): Shown {
  const formed = all.filter(hasForm);
  const standing = formed.filter((layer) => !isUnderground(layer));
  const hidden = standing.filter((layer) => !(shown[layer.id] ?? shownByDefault(layer)));
  const kept = formed.filter((layer) => !hidden.includes(layer));
  const said = kept.flatMap((layer) => {
    const filter = toCql2((filters[layer.id] ?? []).filter(isWhole), layer.fields);
    return filter ? [[layer.id, filter] as const] : [];
  });
  return {
    datetime: day, knownAt, hidden, filters: Object.fromEntries(said), below: formed.filter(isUnderground).map((layer) => layer.id),
    ...(hidden.length > 0 ? { layers: standing.filter((layer) => !hidden.includes(layer)).map((layer) => layer.id) } : {}),
  };
}

/** Follow what the view shows. */
export function useShown(): Shown {
  const layers = useLayers();
  const { day, knownAt } = useView((view) => view.time);
  const { shown } = useView((view) => view.layers);
  const filters = useView((view) => view.filters);
  return useMemo(() => shownOf(layers, { day, knownAt }, shown, filters), [layers, day, knownAt, shown, filters]);
}

/** Return it as inputs of a process; `pipes`: does it read what lies below the ground? */
export function shownInputs({ datetime, knownAt, layers, filters, below }: Shown, pipes: boolean): Record<string, unknown> {
  const used = Object.entries(filters).filter(([layer]) => pipes || !below.includes(layer));
  return {
    ...(datetime ? { datetime } : {}), ...(knownAt ? { known_at: knownAt } : {}), ...(layers ? { layers } : {}),
    ...(used.length > 0 ? { filters: Object.fromEntries(used) } : {}),
  };
}
