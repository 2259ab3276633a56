/**
 * Days and moments.
 *
 * The store keeps times as precisely as they are known: a year, a month and a day are calendar labels ("1985", "1985-06",
 * "1985-06-01") that begin at midnight UTC; anything finer is an instant. Spans are half-open: what begins on a day is
 * there on that day, what ends on it is not. Instants are shown by the clock of the city.
 */

const LABEL = /^\d{4}(?:-\d{2}(?:-\d{2})?)?$/;

/** Is this a calendar day of the form YYYY-MM-DD that exists? */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** Return the day that has begun last, so that what is said to hold "from today" already holds. */
export function today(now = new Date()): string {
  return now.toISOString().slice(0, 10);
}

/** Return the day a moment falls on; the first day of a year or a month. */
export function dayOf(moment: string): string {
  return LABEL.test(moment) ? `${moment}-01-01`.slice(0, 10) : moment.slice(0, 10);
}

/** Return a moment in milliseconds since 1970. */
export function toMs(moment: string): number {
  return Date.parse(LABEL.test(moment) ? `${dayOf(moment)}T00:00:00Z` : moment);
}

/** Write a moment as precisely as it is known; an instant by the clock of the city, to the minute. */
export function formatMoment(moment: string | null | undefined, timeZone: string): string {
  if (!moment) return "";
  return LABEL.test(moment) ? moment : formatStamp(moment, timeZone);
}

/** Write an instant to the minute by the clock of a time zone. */
export function formatStamp(moment: string, timeZone: string): string {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-GB", {
      timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    }).formatToParts(new Date(moment)).map((part) => [part.type, part.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}`;
}
