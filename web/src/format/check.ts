/** Check a form as the definition of its layer says, before the server does the same and more. */
import type { Layer, LayerField, Properties } from "../api/types";
import type { MessageKey } from "./messages.zh";
import { same } from "./difference";

type Words = (key: MessageKey, values?: Record<string, string | number>) => string;

const DATE = /^\d{4}-\d{2}-\d{2}$/;

function faultOf(field: LayerField, value: unknown, t: Words): string | null {
  if (value === null || value === undefined || value === "") return field.required ? t("edit.required") : null;
  if (field.type === "integer" || field.type === "number") {
    const number = Number(value);
    const { minimum: min, maximum: max } = field;
    if (field.type === "integer" && !Number.isInteger(number)) return t("edit.integer");
    if (min !== undefined && max !== undefined && (number < min || number > max)) return t("edit.range", { min, max });
    if (min !== undefined && number < min) return t("edit.atLeast", { min });
    if (max !== undefined && number > max) return t("edit.atMost", { max });
  }
  if (typeof value === "string") {
    if (field.max_length !== undefined && value.length > field.max_length) return t("edit.tooLong", { max: field.max_length });
    if (field.pattern && !new RegExp(field.pattern, "u").test(value)) return t("edit.pattern", { pattern: field.pattern });
    if (field.type === "date" && !DATE.test(value)) return t("edit.dateForm");
  }
  return null;
}

/**
 * Return the fault of each field that has one.
 *
 * With `base`, only what differs from it is checked: an old fault elsewhere in the record must not stop its correction.
 */
export function checkDraft(layer: Layer, values: Properties, t: Words, base: Properties | null): Record<string, string> {
  const faults: Record<string, string> = {};
  for (const field of layer.fields) {
    if (field.personal || (base && same(base[field.name], values[field.name]))) continue;
    const fault = faultOf(field, values[field.name], t);
    if (fault) faults[field.name] = fault;
  }
  return faults;
}
