import { useQuery } from "@tanstack/react-query";
import { countChanges, type Counts } from "../api/timeline";
import { FIRST_DAY, lastDay } from "../state/clock";
import { shownByDefault } from "../state/layers";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";

export interface Counted {
  years: ({ year: number } & Counts)[];
  total: Counts;
}

/** Count what begins, ends and changes by year, in the layers shown and what is in view. */
export function useHistogram() {
  const layers = useLayers();
  const shown = useView((view) => view.layers.shown);
  const bounds = useView((view) => view.bounds);
  const pinned = useView((view) => view.time.pinned);
  const ids = layers.filter((layer) => layer.kind === "spatial" && !pinned[layer.id] && (shown[layer.id] ?? shownByDefault(layer))).map((layer) => layer.id);
  // A small pan asks nothing new: what is counted is the view to a thousandth of a degree.
  const box = bounds?.map((degrees) => Number(degrees.toFixed(3))) as typeof bounds;
  return useQuery({
    // No layer's name at the second place: it stands for many.
    queryKey: ["histogram", "*", ids, box],
    queryFn: async ({ signal }): Promise<Counted> => {
      const { periods, total } = await countChanges({ layers: ids, box: box!, from: FIRST_DAY, to: lastDay(), step: "year" }, signal);
      return { years: periods.map(({ from, ...counts }) => ({ year: Number(from.slice(0, 4)), ...counts })), total };
    },
    enabled: box !== null && ids.length > 0,
    placeholderData: (previous) => previous,
  });
}
