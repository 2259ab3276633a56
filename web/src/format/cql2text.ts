/** Conditions as CQL2 text, as one reads and sends it. The server gets the same as JSON. */
import type { Geometry, Position } from "geojson";
import type { LayerField } from "../api/types";
import { type Condition, isGroup } from "./condition";

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function literal(field: LayerField | undefined, value: unknown): string {
  if (field?.type === "date") return `DATE(${quoted(String(value))})`;
  if (field?.type === "datetime") return `TIMESTAMP(${quoted(String(value))})`;
  return typeof value === "string" ? quoted(value) : String(value);
}

function positions(ring: Position[]): string {
  return ring.map(([x, y]) => `${Number(x!.toFixed(6))} ${Number(y!.toFixed(6))}`).join(", ");
}

function shapeOf(area: Geometry): string {
  if (area.type === "Polygon") return `POLYGON(${area.coordinates.map((ring) => `(${positions(ring)})`).join(", ")})`;
  if (area.type === "MultiPolygon") return `MULTIPOLYGON(${area.coordinates.map((part) => `(${part.map((ring) => `(${positions(ring)})`).join(", ")})`).join(", ")})`;
  return area.type.toUpperCase();
}

function one(condition: Condition, fields: LayerField[]): string | null {
  const { field: name, op, value } = condition;
  if (isGroup(condition)) {
    const terms = (condition.terms ?? []).map((term) => one(term, fields)).filter((term) => term !== null);
    if (terms.length === 0) return null;
    const word = op === "and" ? " AND " : " OR ";
    const inner = terms.length === 1 ? terms[0]! : `(${terms.join(word)})`;
    return op === "not" ? `NOT ${terms.length === 1 ? `(${inner})` : inner}` : inner;
  }
  if (op === "within") return `S_INTERSECTS(geometry, ${shapeOf(condition.area!)})`;
  const field = fields.find((candidate) => candidate.name === name);
  switch (op) {
    case "null":
      return `${name} IS NULL`;
    case "notnull":
      return `${name} IS NOT NULL`;
    case "like":
      return `${name} LIKE ${quoted(`%${String(value).replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`)}`;
    case "in":
      return `${name} IN (${(Array.isArray(value) ? value : [value]).map((each) => literal(field, each)).join(", ")})`;
    default:
      return `${name} ${op} ${literal(field, value)}`;
  }
}

/** Write conditions that all hold as CQL2 text; empty for none. */
export function toCql2Text(conditions: Condition[], fields: LayerField[]): string {
  const terms = conditions.map((condition) => one(condition, fields)).filter((term) => term !== null);
  return terms.join(" AND ");
}
