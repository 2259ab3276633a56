/** Which moment each layer of the map shows, and whether the map holds a whole window of time for it. */
import { useMemo } from "react";
import { type Span, useClock } from "./clock";
import { useView, type View } from "./view";

export interface Moments {
  of: (layer: string) => { datetime?: string; knownAt?: string };
  timed: (layer: string) => boolean;
}

/** Return the moments of a view: a pinned layer keeps its day, the others follow the day, the interval or the clock's window. */
export function momentsOf({ day, until, knownAt, pinned }: View["time"], span: Span | null): Moments {
  const common = span ? `${span.from}/${span.to}` : day && until ? `${day}/${until}` : day;
  return {
    of: (layer) => ({ datetime: pinned[layer] ?? common ?? undefined, knownAt: knownAt ?? undefined }),
    timed: (layer) => span !== null && pinned[layer] === undefined,
  };
}

export function useMoments(): Moments {
  const time = useView((view) => view.time);
  const span = useClock((clock) => clock.window);
  const { knownAt, pinned } = time;
  // Within a window another day changes no tiles.
  const day = span ? null : time.day;
  const until = span ? null : time.until;
  return useMemo(() => momentsOf({ day, until, knownAt, pinned }, span), [day, until, knownAt, pinned, span]);
}
