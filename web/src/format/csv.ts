/** A table for spreadsheets: titles in the reader's language, codes by their titles, numbers as numbers. */
import type { Item, LayerField } from "../api/types";
import { pick, type Language } from "./text";
import { formatValue, unitOf } from "./value";

// A spreadsheet program runs a text that begins like a formula.
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function valueOf(field: LayerField, value: unknown, language: Language, timeZone: string): unknown {
  if (typeof value === "number") return value;
  return formatValue(field, value, language, timeZone);
}

/** Return the head of a table. */
export function csvHead(fields: LayerField[], language: Language): string {
  const words = language === "zh" ? ["要素编号", "起始", "终止"] : ["feature", "valid from", "valid to"];
  const titles = fields.map((field) => {
    const unit = unitOf(field, language);
    return pick(field.title, language) + (unit ? ` (${unit})` : "");
  });
  return [words[0], ...titles, words[1], words[2]].map(cell).join(",");
}

/** Return features as rows. */
export function csvRows(items: Item[], fields: LayerField[], language: Language, timeZone: string): string[] {
  return items.map((item) => [
    item.id, ...fields.map((field) => valueOf(field, item.properties[field.name], language, timeZone)),
    item.properties.valid_from, item.properties.valid_to,
  ].map(cell).join(","));
}
