/**
 * A filter of a layer: conditions that all hold. One object filters table, map, charts and export.
 *
 * A condition is a comparison of a field, a group of conditions (`and`, `or`, `not`), `within` an area, or `selected`: what stands in a
 * selection that the server keeps under a name.
 */
import type { Geometry } from "geojson";
import type { LayerField } from "../api/types";

export type Operator = "=" | "<>" | "<" | "<=" | ">" | ">=" | "like" | "in" | "null" | "notnull" | "and" | "or" | "not" | "within" | "selected";

export interface Condition {
  /** Empty for groups and areas. */
  field: string;
  op: Operator;
  value?: string | number | boolean | (string | number)[];
  /** Of a group. */
  terms?: Condition[];
  /** Of `within`: features that meet it. */
  area?: Geometry;
}

type Json = Record<string, unknown>;

const COMPARISONS: Operator[] = ["=", "<>", "<", "<=", ">", ">=", "like", "in", "null", "notnull"];
const NAME = /^[a-z][a-z0-9_]{0,47}$/;
const DEEPEST = 8;

/** Is it a group of conditions? */
export function isGroup(condition: Condition): boolean {
  return condition.op === "and" || condition.op === "or" || condition.op === "not";
}

/** Write a condition shortly, for links. */
export function toShort(condition: Condition): unknown[] {
  const { field, op, value, terms, area } = condition;
  if (isGroup(condition)) return ["", op, ...(terms ?? []).map(toShort)];
  if (op === "within") return ["", op, area];
  return value === undefined ? [field, op] : [field, op, value];
}

/** Read a condition that was written shortly; null for what is none. */
export function fromShort(short: unknown, depth = 0): Condition | null {
  if (!Array.isArray(short) || depth > DEEPEST) return null;
  const [field, op, ...rest] = short as [unknown, Operator, ...unknown[]];
  if (field === "" && ["and", "or", "not"].includes(op)) {
    return { field: "", op, terms: rest.flatMap((term) => fromShort(term, depth + 1) ?? []) };
  }
  if (field === "" && op === "within") {
    const area = rest[0] as Geometry | undefined;
    return area && typeof area.type === "string" ? { field: "", op, area } : null;
  }
  if (field === "" && op === "selected") return /^[0-9a-f]{24}$/.test(String(rest[0])) ? { field: "", op, value: String(rest[0]) } : null;
  if (typeof field !== "string" || !NAME.test(field) || !COMPARISONS.includes(op)) return null;
  return rest[0] === undefined ? { field, op } : { field, op, value: rest[0] as Condition["value"] };
}

/** Return the fields that conditions name, wherever they stand. */
export function fieldsOf(conditions: Condition[]): string[] {
  return [...new Set(conditions.flatMap((c) => (c.terms ? fieldsOf(c.terms) : c.field ? [c.field] : [])))];
}

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

function one(condition: Condition, fields: LayerField[]): Json | null {
  if (isGroup(condition)) {
    const terms = (condition.terms ?? []).map((term) => one(term, fields)).filter((term) => term !== null);
    if (terms.length === 0) return null;
    // None of them.
    if (condition.op === "not") return { op: "not", args: [terms.length === 1 ? terms[0] : { op: "or", args: terms }] };
    return terms.length === 1 ? terms[0]! : { op: condition.op, args: terms };
  }
  if (condition.op === "selected") return { op: "selected", args: [condition.value] };
  if (condition.op === "within") return { op: "s_intersects", args: [{ property: "geometry" }, condition.area] };
  const field = fields.find((candidate) => candidate.name === condition.field);
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

/** Return every operator that a query may use for a field; the head of a table offers fewer. */
export function allOperatorsOf(field: LayerField): Operator[] {
  switch (field.type) {
    case "integer":
    case "number":
    case "date":
    case "datetime":
      return ["=", "<>", ">", ">=", "<", "<=", "null", "notnull"];
    case "string":
    case "text":
      return ["like", "=", "<>", "null", "notnull"];
    default:
      return operatorsOf(field);
  }
}

/** Does a condition say all that it needs to be asked? */
export function isWhole(condition: Condition): boolean {
  if (isGroup(condition)) return (condition.terms ?? []).length > 0 && (condition.terms ?? []).every(isWhole);
  if (condition.op === "within") return condition.area !== undefined;
  if (condition.op === "null" || condition.op === "notnull") return true;
  return condition.value !== undefined && condition.value !== "" && !(Array.isArray(condition.value) && condition.value.length === 0);
}

/** Write conditions as CQL2 JSON; null when there are none. */
export function toCql2(conditions: Condition[], fields: LayerField[]): Json | null {
  const terms = conditions.map((c) => one(c, fields)).filter((term) => term !== null);
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
    const term = drawn(condition, fields);
    if (term === undefined) return undefined;
    if (term) terms.push(term);
  }
  return terms.length > 0 ? ["all", ...terms] : null;
}

function drawn(condition: Condition, fields: LayerField[]): unknown[] | null | undefined {
  if (isGroup(condition)) {
    const inner = (condition.terms ?? []).map((term) => drawn(term, fields));
    if (inner.includes(undefined)) return undefined;
    const terms = inner.filter((term) => term !== null);
    if (terms.length === 0) return null;
    // What has no value is neither true nor false: the map has no third answer, so the server negates.
    return condition.op === "not" ? undefined : [condition.op === "or" ? "any" : "all", ...terms];
  }
  const field = fields.find((f) => f.name === condition.field);
  if (!field?.tile) return undefined;
  const get = ["get", condition.field];
  switch (condition.op) {
    case "null":
      return ["!", ["has", condition.field]];
    case "notnull":
      return ["has", condition.field];
    case "like":
      // The server tells capitals apart.
      return ["in", String(condition.value), ["to-string", get]];
    case "in":
      return ["in", get, ["literal", Array.isArray(condition.value) ? condition.value : [condition.value]]];
    case "=":
      return ["==", get, condition.value];
    case "<>":
      return ["all", ["has", condition.field], ["!=", get, condition.value]];
    default:
      // A missing attribute has no order; without the guard the expression would fail on it.
      return ["all", ["has", condition.field], [condition.op, get, condition.value]];
  }
}
