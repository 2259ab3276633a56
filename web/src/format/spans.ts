/** Spans of time of pictures of the city: which stand for a day, and what they are called. */

interface Span {
  valid_from: string | null;
  valid_to: string | null;
}

/** Return the spans that hold a moment (an ISO text); half-open. */
export function spansAt<S extends Span>(spans: S[], moment: string): S[] {
  const at = Date.parse(moment);
  return spans.filter(({ valid_from, valid_to }) =>
    (valid_from === null || Date.parse(valid_from) <= at) && (valid_to === null || at < Date.parse(valid_to)));
}

/**
 * Return one moment for all days between two changes of what is shown, so that they share their tiles: the last change at or
 * before the day. null where nothing ever changed before.
 */
export function epochOf(spans: Span[], moment: string): string | null {
  const at = Date.parse(moment);
  const changes = spans.flatMap(({ valid_from, valid_to }) => [valid_from, valid_to]).filter((each): each is string => each !== null && Date.parse(each) <= at);
  return changes.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1) ?? null;
}

/** Return the years of a span as people write them: 2010–2019, 2020–, –1997; empty where it is always. */
export function yearsOf({ valid_from, valid_to }: Span): string {
  const first = valid_from?.slice(0, 4) ?? "";
  // The end is the first moment after it.
  const last = valid_to ? new Date(Date.parse(valid_to) - 1).toISOString().slice(0, 4) : "";
  if (!first && !last) return "";
  return first === last ? first : `${first}–${last}`;
}
