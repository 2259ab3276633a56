import Select from "antd/es/select";
import type { Layer, LayerField } from "../api/types";
import { pick } from "../format/text";
import { useWords } from "../state/preferences";
import type { ThemeValue } from "../state/work";

const NUMERIC = new Set(["integer", "number"]);

/** The numbers of a layer that may be mapped. */
export function numbersOf(layer: Layer | undefined): LayerField[] {
  return (layer?.fields ?? []).filter((field) => NUMERIC.has(field.type) && !field.personal);
}

/** May something lie in the features of a layer? */
export function holds(layer: Layer): boolean {
  return layer.group === "admin" && (layer.geometry ?? "").endsWith("Polygon");
}

/** Is a number an amount, that grows with the size of what has it, rather than a year, a height or a share? */
function isAmount(field: LayerField): boolean {
  return !/year|height|ratio|floors|coefficient|elevation|depth|_no$/.test(field.name);
}

/** A value that makes sense at once: amounts over the area, of zones what lies in them. */
export function firstValue(layer: Layer, layers: Layer[]): ThemeValue {
  const own = numbersOf(layer);
  const counted = layers.find((other) => other.group === "housing" && other.kind === "spatial") ?? layers.find((other) => other.kind === "spatial");
  if (holds(layer) && own.every((field) => field.name !== "population") && counted) return { of: { layer: counted.id, measure: "count" }, per: "area" };
  const field = own.find((each) => each.name === layer.symbology?.extrude) ?? own.find((each) => each.name === "population") ?? own[0];
  return { field: field?.name, per: field && isAmount(field) && (layer.geometry ?? "").endsWith("Polygon") && holds(layer) ? "area" : "none" };
}

/** Choose what is mapped: a field, or what lies in each feature; and what it is divided by. */
export function ValueForm({ layer, layers, value, change, label }: {
  layer: Layer; layers: Layer[]; value: ThemeValue; change: (value: ThemeValue) => void; label: string;
}) {
  const { t, language } = useWords();
  const own = numbersOf(layer);
  const counted = layers.find((other) => other.id === value.of?.layer);
  const spatial = layers.filter((other) => other.kind === "spatial" && other.id !== layer.id);
  const nameOf = (field: LayerField) => pick(field.title, language);
  const measures = ["count", ...numbersOf(counted).flatMap((field) => [`sum:${field.name}`, `mean:${field.name}`])];
  const measureName = (each: string) => {
    const field = numbersOf(counted).find((candidate) => candidate.name === each.split(":")[1]);
    return each === "count" ? t("charts.count") : t(each.startsWith("sum") ? "charts.sum" : "charts.mean", { field: field ? nameOf(field) : "" });
  };
  const areal = (layer.geometry ?? "").endsWith("Polygon");
  const pers = [
    { value: "none", label: t("theme.perNone") },
    ...(areal ? [{ value: "area", label: t("theme.perArea") }] : []),
    ...numbersOf(counted).filter((field) => field.name === "dwellings").map((field) => ({ value: field.name, label: t("theme.per", { field: nameOf(field) }) })),
    ...own.filter((field) => field.name !== value.field && (counted === undefined || holds(layer)) && isAmount(field))
      .map((field) => ({ value: counted ? `own:${field.name}` : field.name, label: t("theme.per", { field: nameOf(field) }) })),
  ];
  return (
    <fieldset className="theme-value">
      <legend>{label}</legend>
      {holds(layer) && (
        <label className="work-line"><span>{t("theme.of")}</span>
          <Select aria-label={`${label} ${t("theme.of")}`} value={value.of?.layer ?? ""}
            onChange={(id) => change(id ? { of: { layer: id, measure: "count" }, per: "area" } : { field: own[0]?.name, per: own[0] && isAmount(own[0]) ? "area" : "none" })}
            options={[...(own.length > 0 ? [{ value: "", label: t("theme.own") }] : []), ...spatial.map((each) => ({ value: each.id, label: t("theme.inside", { layer: pick(each.title, language) }) }))]} /></label>
      )}
      {value.of ? (
        <label className="work-line"><span>{t("charts.measure")}</span>
          <Select aria-label={`${label} ${t("charts.measure")}`} value={value.of.field ? `${value.of.measure}:${value.of.field}` : "count"} showSearch={{ optionFilterProp: "label" }}
            onChange={(each) => {
              const [measure, field] = each.split(":");
              change({ of: { layer: value.of!.layer, measure: measure!, ...(field ? { field } : {}) }, per: measure === "mean" ? "none" : value.per });
            }}
            options={measures.map((each) => ({ value: each, label: measureName(each) }))} /></label>
      ) : (
        <label className="work-line"><span>{t("work.field")}</span>
          <Select aria-label={`${label} ${t("work.field")}`} value={value.field} showSearch={{ optionFilterProp: "label" }}
            onChange={(field) => change({ field, per: isAmount(own.find((each) => each.name === field)!) && holds(layer) ? "area" : "none" })}
            options={own.map((field) => ({ value: field.name, label: nameOf(field) }))} /></label>
      )}
      <label className="work-line"><span>{t("theme.normalised")}</span>
        <Select aria-label={`${label} ${t("theme.normalised")}`} value={value.per} onChange={(per) => change({ ...value, per })} options={pers} /></label>
    </fieldset>
  );
}
