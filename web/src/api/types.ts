/** What travels on the wire. Names are the server's own; see ARCHITECTURE.md, "On the wire". */
import type { Feature, Geometry } from "geojson";

export interface Text {
  zh: string;
  en: string;
}

export type FieldType =
  | "string" | "text" | "code" | "integer" | "number" | "boolean"
  | "date" | "datetime" | "codes" | "json" | "reference";

export interface LayerField {
  name: string;
  type: FieldType;
  title: Text;
  description?: Text;
  unit?: string;
  codes?: Record<string, Text>;
  required?: boolean;
  minimum?: number;
  maximum?: number;
  max_length?: number;
  pattern?: string;
  search?: "name" | "address" | "code";
  index?: boolean;
  tile?: boolean;
  personal?: boolean;
  references?: string;
  part_of?: boolean;
}

export interface SymbolClass {
  value?: string | number | boolean | null;
  below?: number;
  color: string;
  title?: Text;
  width_px?: number;
  min_zoom?: number;
}

/** A number that is worked out: over an area, or of what lies in features. */
export interface Measured {
  title: Text;
  unit: string | null;
}

export interface Symbology {
  color?: string;
  opacity?: number;
  outline?: string;
  width_px?: number;
  radius_px?: number;
  dash?: number[];
  field?: string;
  /** What the field is divided by. */
  per?: string;
  classes?: SymbolClass[];
  extrude?: string;
  label?: { field: string; min_zoom?: number };
  min_zoom?: number;
  /** Seen from afar its features are counted in squares. */
  cells?: boolean;
  order?: number;
  visible?: boolean;
}

export type GeometryType =
  | "Point" | "MultiPoint" | "LineString" | "MultiLineString" | "Polygon" | "MultiPolygon" | "Geometry";

export interface Layer {
  id: string;
  kind: "spatial" | "table" | "relation" | "coverage";
  title: Text;
  description?: Text;
  group: string;
  geometry?: GeometryType;
  fields: LayerField[];
  key?: string;
  label?: string;
  district?: string;
  /** Fields of whose a row is and who sees it, where rows have owners. */
  owned?: { by: string; name: string; seen_by: string };
  symbology?: Symbology;
  /** Its other styles: by a code field, or published by somebody; `value` says what is measured where no field holds it, `counts` of which layer. */
  styles?: { name: string; title: Text; symbology: Partial<Symbology>; value?: Measured; counts?: string | null }[];
  /** What the style that it is drawn in measures. */
  measured?: Measured;
  /** May the reader edit this layer? */
  edit: boolean;
}

export interface City {
  id: string;
  title: Text;
  extent: [number, number, number, number];
  center: [number, number];
  zoom: number;
  storage_srid: number;
  projected_srid: number;
  /** Height of the zero of elevations over the ellipsoid, which the scene stands on. */
  geoid_offset_m: number;
  time_zone: string;
  languages: string[];
}

export interface Config {
  city: City;
  layers: Layer[];
  groups: Record<string, Text>;
  /** Fields, layer by layer, that open to this reader for a reason. */
  personal: Record<string, LayerField[]>;
  /** The number of the last changeset. */
  seq: number;
}

export type Properties = Record<string, unknown>;

/** A feature as the items door gives it; `id` is the fid. */
export interface Item {
  type: "Feature";
  id: number;
  geometry: Geometry | null;
  /** The fields, and beside them `valid_from`, `valid_to` and `version`. */
  properties: Properties;
}

export interface Page {
  features: Item[];
  numberMatched?: number;
  numberReturned: number;
  next: string | null;
}

export interface Version {
  version_id: number;
  fid: number;
  valid_from: string | null;
  valid_to: string | null;
  seq_from: number;
  seq_to: number | null;
  recorded_at: string;
  /** Who recorded it and why; null for readers who may not know. */
  actor: string | null;
  reason: string | null;
  properties: Properties;
  geometry: Geometry | null;
}

export interface SearchHit {
  layer: string;
  fid: number;
  label: string;
  detail: string | null;
  /** How it was found: exact, prefix, part, code or initials. */
  match: string;
  /** How far an address was matched: street, compound, building, entrance, room. */
  level: string | null;
  center: [number, number] | null;
}

export interface Account {
  username: string;
  display_name: string | null;
  roles: { role: string; title: Text }[];
  /** Until the password has been changed, the account opens nothing. */
  must_change: boolean;
  capabilities: string[];
}

export interface ChangeEvent {
  seq: number;
  layers: string[];
  envelope: [number, number, number, number] | null;
}

export type { Feature, Geometry };
export type * from "./edit.types";
