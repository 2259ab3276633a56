/**
 * Days and moments of the city.
 *
 * The wire speaks moments in UTC; people speak days of the city's calendar. A day D stands for the moment at which D
 * begins in the city's time zone, because spans are half-open: what begins on D is there on D, what ends on D is not.
 */
import type { Precision } from "../api/types";

const PATTERN = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/;

/** Is this a calendar day of the form YYYY-MM-DD that exists? */
export function isDay(text: string): boolean {
  const match = PATTERN.exec(text);
  if (!match?.[3]) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** Return the offset of a time zone from UTC at a moment, in minutes, east positive. */
export function offsetMinutes(moment: Date, timeZone: string): number {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-GB", {
      timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit",
    }).formatToParts(moment).map((part) => [part.type, part.value]),
  );
  const wall = Date.UTC(+parts.year!, +parts.month! - 1, +parts.day!, +parts.hour!, +parts.minute!, +parts.second!);
  return Math.round((wall - Math.floor(moment.getTime() / 1000) * 1000) / 60000);
}

/** Return the moment at which a day begins in the city, as `YYYY-MM-DDTHH:MM:SSZ`. */
export function startOfDay(day: string, timeZone: string): string {
  const wall = Date.parse(`${day}T00:00:00Z`);
  // The offset depends on the moment that is sought: two rounds settle it, also on a day when the clocks change.
  let moment = wall;
  for (let round = 0; round < 2; round += 1) moment = wall - offsetMinutes(new Date(moment), timeZone) * 60000;
  return new Date(moment).toISOString().replace(".000Z", "Z");
}

/** Return the city's calendar day of a moment, as YYYY-MM-DD. */
export function dayOf(moment: Date | string, timeZone: string): string {
  const date = typeof moment === "string" ? new Date(moment) : moment;
  return new Date(date.getTime() + offsetMinutes(date, timeZone) * 60000).toISOString().slice(0, 10);
}

/** Return the `datetime` parameter of a day; undefined is now. */
export function datetimeOf(day: string | null, timeZone: string): string | undefined {
  return day === null ? undefined : startOfDay(day, timeZone);
}

/** Write a moment as precisely as it is known: a year, a month, a day or a second. */
export function formatMoment(moment: string | null | undefined, timeZone: string, precision: Precision = "d"): string {
  if (!moment) return "";
  if (PATTERN.test(moment)) return moment;
  const day = dayOf(moment, timeZone);
  if (precision === "y") return day.slice(0, 4);
  if (precision === "m") return day.slice(0, 7);
  if (precision === "d") return day;
  return formatStamp(moment, timeZone);
}

/** Write a moment to the minute in the city's time zone. */
export function formatStamp(moment: string, timeZone: string): string {
  const date = new Date(moment);
  const local = new Date(date.getTime() + offsetMinutes(date, timeZone) * 60000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 16)}`;
}
