/** What one works out on the map: the place that is asked about, charts, thematic maps, the order of layers. Kept with the view. */
import type { Geometry } from "geojson";
import type { Rule } from "../api/statistics";

export type { Rule } from "../api/statistics";

/** A part of the city: what the map shows, all of it, a drawn geometry, or features; `bufferM` widens the latter two. */
export interface Place {
  kind: "view" | "city" | "area" | "features";
  geometry?: Geometry;
  features?: { layer: string; fids: number[] };
  bufferM?: number;
}

export type ChartKind = "bar" | "pie" | "histogram";

/** One chart: how many features of a layer (or how much of a field) by the values of another field. */
export interface ChartSpec {
  id: string;
  layer: string;
  by: string;
  kind: ChartKind;
  /** `count`, `sum:<field>` or `mean:<field>`. */
  measure: string;
}

export type Method = "quantile" | "jenks" | "equal" | "deviation" | "manual";
export type ThemeKind = "choropleth" | "graduated" | "bivariate" | "heat" | "cluster" | "charts";

/** A value to map: a field of the layer's own, or what lies in each of its features; over an area, or over another value. */
export interface ThemeValue {
  field?: string;
  of?: { layer: string; measure: string; field?: string };
  /** What it is divided by: `none`, `area` (km²), a field of what is counted, or `own:` and a field of the feature itself. */
  per: string;
}

export interface Theme {
  kind: ThemeKind;
  value: ThemeValue;
  second?: ThemeValue;
  method: Method;
  classes: number;
  breaks?: number[];
  palette: string;
  by?: string;
}

export interface Chosen {
  layer: string;
  selection: string;
  count: number;
}

export interface Work {
  place: Place;
  rule: Rule;
  charts: ChartSpec[];
  themes: Record<string, Theme>;
  /** Layers from the top down, as the reader has put them; those not named stand where they stood. */
  order: string[];
  /** A selection too large to be listed: the server keeps it under a name. */
  chosen: Chosen | null;
  /** Layers of other services from the top down; `city` stands for the city's own. */
  outside: string[];
  /** The styles that layers are drawn in, where it is not their own. */
  styles: Record<string, string>;
}

export const PLAIN_WORK: Work = { place: { kind: "view" }, rule: "intersects", charts: [], themes: {}, order: [], outside: [], styles: {}, chosen: null };

const NAME = /^[a-z][a-z0-9_]{0,47}$/;
const CHARTS: ChartKind[] = ["bar", "pie", "histogram"];
const RULES: Rule[] = ["intersects", "centroid", "area_weighted", "within"];
const THEMES: ThemeKind[] = ["choropleth", "graduated", "bivariate", "heat", "cluster", "charts"];
const MEASURE = /^(count|(sum|mean):[a-z][a-z0-9_]{0,47})$/;
const MOST_CHARTS = 12;
const OUTSIDE = /^(city|out_[0-9a-f]{20})$/;
const MOST_OUTSIDE = 40;

/** Return the parts of a work that differ from the plain one; null where nothing does. */
export function encodeWork(work: Work): string | null {
  const said = Object.entries(work).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(PLAIN_WORK[name as keyof Work]));
  return said.length > 0 ? JSON.stringify(Object.fromEntries(said)) : null;
}

function readPlace(given: unknown): Place {
  const place = given as Place | null;
  if (!place || typeof place !== "object" || !["view", "city", "area", "features"].includes(place.kind)) return PLAIN_WORK.place;
  if (place.kind === "area" && typeof place.geometry?.type !== "string") return PLAIN_WORK.place;
  if (place.kind === "features" && !(NAME.test(place.features?.layer ?? "") && Array.isArray(place.features?.fids))) return PLAIN_WORK.place;
  return place;
}

function readTheme(given: unknown): given is Theme {
  const theme = given as Theme | null;
  return Boolean(theme) && typeof theme === "object" && THEMES.includes(theme!.kind) && typeof theme!.value === "object" && theme!.value !== null;
}

/** Read a work that somebody kept or sent; what cannot be read is left plain. */
export function readWork(given: unknown): Work {
  if (!given || typeof given !== "object") return PLAIN_WORK;
  const { place, rule, charts, themes, order, outside, styles, chosen } = given as Partial<Work>;
  return {
    place: readPlace(place),
    rule: RULES.includes(rule!) ? rule! : PLAIN_WORK.rule,
    charts: (Array.isArray(charts) ? charts : []).filter((chart) =>
      chart && typeof chart.id === "string" && NAME.test(chart.layer) && NAME.test(chart.by) && CHARTS.includes(chart.kind) && MEASURE.test(chart.measure))
      .slice(0, MOST_CHARTS),
    themes: Object.fromEntries(Object.entries(themes ?? {}).filter(([layer, theme]) => NAME.test(layer) && readTheme(theme))),
    order: (Array.isArray(order) ? order : []).filter((name) => typeof name === "string" && NAME.test(name)),
    outside: [...new Set((Array.isArray(outside) ? outside : []).filter((name) => typeof name === "string" && OUTSIDE.test(name)))].slice(0, MOST_OUTSIDE),
    styles: Object.fromEntries(Object.entries(styles ?? {}).filter(([layer, name]) => NAME.test(layer) && typeof name === "string" && NAME.test(name))),
    chosen: chosen && NAME.test(chosen.layer) && /^[0-9a-f]{24}$/.test(chosen.selection) && Number.isFinite(chosen.count) ? chosen : null,
  };
}

/** Read a work from a link. */
export function decodeWork(text: string | null): Work {
  if (!text) return PLAIN_WORK;
  try {
    return readWork(JSON.parse(text));
  } catch {
    return PLAIN_WORK;
  }
}
