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

export type Step = "day" | "week" | "month" | "quarter" | "year" | "decade";

const MONTHS: Partial<Record<Step, number>> = { month: 1, quarter: 3, year: 12, decade: 120 };

/** Return the day some steps later (or earlier); the end of a longer month becomes the end of a shorter one. */
export function addStep(day: string, step: Step, count: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  const months = MONTHS[step];
  if (months === undefined) {
    date.setUTCDate(date.getUTCDate() + count * (step === "week" ? 7 : 1));
    return date.toISOString().slice(0, 10);
  }
  const wanted = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + count * months);
  const longest = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(wanted, longest));
  return date.toISOString().slice(0, 10);
}
