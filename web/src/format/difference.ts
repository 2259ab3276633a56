/** Differences between two states of a feature, and the merge of two edits that began at the same state. */
import type { Properties } from "../api/types";

/** Are two values of a field the same? Absent and null are the same. */
export function same(a: unknown, b: unknown): boolean {
  const left = a ?? null;
  const right = b ?? null;
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  return canonical(left) === canonical(right);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join(",")}}`;
  }
  return JSON.stringify(value ?? null);
}

/** Return the names, out of `names`, whose values differ. */
export function changed(before: Properties, after: Properties, names: string[]): string[] {
  return names.filter((name) => !same(before[name], after[name]));
}

export type Side = "mine" | "theirs";

export interface Clash {
  name: string;
  base: unknown;
  mine: unknown;
  theirs: unknown;
  /** Did both sides change it, to different values? Otherwise one side alone did, and it is taken. */
  both: boolean;
  side: Side;
}

/** Compare two edits with the state both began at; only names that at least one side changed come back. */
export function threeWay(base: Properties, mine: Properties, theirs: Properties, names: string[]): Clash[] {
  return names
    .filter((name) => !same(base[name], mine[name]) || !same(base[name], theirs[name]))
    .map((name) => {
      const iChanged = !same(base[name], mine[name]);
      const theyChanged = !same(base[name], theirs[name]);
      return {
        name, base: base[name] ?? null, mine: mine[name] ?? null, theirs: theirs[name] ?? null,
        both: iChanged && theyChanged && !same(mine[name], theirs[name]),
        side: iChanged ? "mine" : "theirs",
      };
    });
}
