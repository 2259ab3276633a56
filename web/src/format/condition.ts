/** A filter of a layer: conditions that hold together. One object filters table, map and export. */
import type { LayerField } from "../api/types";

export type Operator = "=" | "<>" | "<" | "<=" | ">" | ">=" | "like" | "in" | "null" | "notnull";

export interface Condition {
  field: string;
  op: Operator;
  value?: string | number | boolean | (string | number)[];
}

type Json = Record<string, unknown>;

/** Which operators make sense for a field. */
export function operatorsOf(field: LayerField): Operator[] {
  switch (field.type) {
    case "integer":
    case "number":
    case "date":
    case "datetime":
      return ["=", ">=", "<=", "null", "notnull"];
    case "code":
      return ["in", "null", "notnull"];
    case "boolean":
    case "reference":
      return ["=", "null", "notnull"];
    case "string":
    case "text":
      return ["like", "=", "null", "notnull"];
    default:
      return ["null", "notnull"];
  }
}

function literal(field: LayerField | undefined, value: Condition["value"]): unknown {
  if (field?.type === "date") return { date: value };
  if (field?.type === "datetime") return { timestamp: value };
  return value;
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, (character) => `\\${character}`);
}

function one(condition: Condition, field: LayerField | undefined): Json {
  const property = { property: condition.field };
  switch (condition.op) {
    case "null":
      return { op: "isNull", args: [property] };
    case "notnull":
      return { op: "not", args: [{ op: "isNull", args: [property] }] };
    case "like":
      return { op: "like", args: [property, `%${escapeLike(String(condition.value))}%`] };
    case "in":
      return { op: "in", args: [property, Array.isArray(condition.value) ? condition.value : [condition.value]] };
    default:
      return { op: condition.op, args: [property, literal(field, condition.value)] };
  }
}

/** Write conditions as CQL2 JSON; null when there are none. */
export function toCql2(conditions: Condition[], fields: LayerField[]): Json | null {
  const terms = conditions.map((c) => one(c, fields.find((f) => f.name === c.field)));
  if (terms.length === 0) return null;
  return terms.length === 1 ? terms[0]! : { op: "and", args: terms };
}

/**
 * Write conditions as a MapLibre filter over tile attributes.
 *
 * Returns null when there is nothing to filter, undefined when a field is not in tiles and the map cannot tell.
 */
export function toMapFilter(conditions: Condition[], fields: LayerField[]): unknown[] | null | undefined {
  if (conditions.length === 0) return null;
  const terms: unknown[][] = [];
  for (const condition of conditions) {
    const field = fields.find((f) => f.name === condition.field);
    if (!field?.tile) return undefined;
    const get = ["get", condition.field];
    switch (condition.op) {
      case "null":
        terms.push(["!", ["has", condition.field]]);
        break;
      case "notnull":
        terms.push(["has", condition.field]);
        break;
      case "like":
        terms.push(["in", String(condition.value).toLowerCase(), ["downcase", ["to-string", get]]]);
        break;
      case "in":
        terms.push(["in", get, ["literal", Array.isArray(condition.value) ? condition.value : [condition.value]]]);
        break;
      case "=":
        terms.push(["==", get, condition.value]);
        break;
      case "<>":
        terms.push(["!=", get, condition.value]);
        break;
      default:
        // A missing attribute has no order; without the guard the expression would fail on it.
        terms.push(["all", ["has", condition.field], [condition.op, get, condition.value]]);
    }
  }
  return ["all", ...terms];
}
