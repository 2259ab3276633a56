import type { Words } from "../state/preferences";

/** Write a percent; a dash where it is not known. */
export function percent(t: Words, value: number | null): string {
  return value === null ? t("grow.unknown") : t("grow.percent", { value: value.toFixed(1) });
}
