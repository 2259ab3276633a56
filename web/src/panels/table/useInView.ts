import type { Layer } from "../../api/types";
import { useCount, useQuestion } from "../../state/queries";
import { useView } from "../../state/view";

// Of so many rows one wants to see those that one looks at.
const MANY = 10_000;

/** Does the table of a layer show only what is in view? As the reader says, else by how many rows there are. */
export function useInView(layer: Layer | undefined): boolean {
  const wished = useView((view) => view.inView);
  const spatial = layer?.kind === "spatial";
  const all = useQuestion(layer, null);
  const count = useCount(spatial && wished === null ? all : null);
  // Until it is known, the smaller question is asked.
  return spatial && (wished ?? (count.data === undefined || count.data > MANY));
}
