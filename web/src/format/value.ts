import type { LayerField } from "../api/types";
import { formatMoment, formatStamp } from "./instant";
import { type Language, pick } from "./text";

// UCUM symbols are for machines; these are how a reader of a map writes them.
const UNITS: Record<string, { zh: string; en: string }> = {
  m: { zh: "m", en: "m" },
  m2: { zh: "m²", en: "m²" },
  m3: { zh: "m³", en: "m³" },
  mm: { zh: "mm", en: "mm" },
  km: { zh: "km", en: "km" },
  a: { zh: "年", en: "yr" },
  deg: { zh: "°", en: "°" },
  "%": { zh: "%", en: "%" },
  "1": { zh: "", en: "" },
};

// Of a value that is a document of its own (the surfaces of a building) the beginning says what it is.
const LONGEST_JSON = 120;

/** Return how the unit of a field is written, empty when it has none. */
export function unitOf(field: LayerField, language: Language): string {
  if (!field.unit) return "";
  return (UNITS[field.unit] ?? { zh: field.unit, en: field.unit })[language];
}

/** Write a number in the reader's manner, with at most `digits` decimals. */
export function formatNumber(value: number, language: Language, digits = 2): string {
  return value.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits });
}

function formatCodes(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value
    .map((code: { scheme?: string; value?: string }) => (code.scheme ? `${code.value} (${code.scheme})` : `${code.value}`))
    .join(" · ");
}

/** Write the value of a field for a reader; empty for no value. */
export function formatValue(field: LayerField, value: unknown, language: Language, timeZone: string): string {
  if (value === null || value === undefined || value === "") return "";
  switch (field.type) {
    case "code":
      return pick(field.codes?.[String(value)], language) || String(value);
    case "boolean":
      return { zh: ["否", "是"], en: ["no", "yes"] }[language][value ? 1 : 0]!;
    case "integer":
    case "number": {
      // A calendar year is a name, not a quantity: neither grouped nor followed by its unit.
      if (field.type === "integer" && field.unit === "a" && /year/.test(field.name)) return String(value);
      const number = formatNumber(Number(value), language);
      const unit = unitOf(field, language);
      return unit ? `${number} ${unit}` : number;
    }
    case "date":
      return formatMoment(String(value), timeZone);
    case "datetime":
      return formatStamp(String(value), timeZone);
    case "codes":
      return formatCodes(value);
    case "json": {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      return text.length > LONGEST_JSON ? `${text.slice(0, LONGEST_JSON)} …` : text;
    }
    default:
      return String(value);
  }
}
