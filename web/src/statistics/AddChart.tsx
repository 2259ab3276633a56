import Button from "antd/es/button";
import Select from "antd/es/select";
import { useState } from "react";
import type { Layer, LayerField } from "../api/types";
import { pick } from "../format/text";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import type { ChartKind, ChartSpec } from "../state/work";

const CLASSED = new Set(["code", "string", "boolean", "date", "datetime"]);
const NUMERIC = new Set(["integer", "number"]);

/** Fields by which a layer can be told apart. */
function classFields(layer: Layer): LayerField[] {
  return layer.fields.filter((field) => !field.personal && (CLASSED.has(field.type) || NUMERIC.has(field.type)));
}

/** Choose layer, field, kind and measure of a new chart. */
export function AddChart({ layers, done }: { layers: Layer[]; done: () => void }) {
  const { t, language } = useWords();
  const [id, setId] = useState(layers.find((layer) => layer.symbology?.field)?.id ?? layers[0]!.id);
  const layer = layers.find((candidate) => candidate.id === id) ?? layers[0]!;
  const offered = classFields(layer);
  const [chosen, setChosen] = useState<string | null>(null);
  const by = offered.find((field) => field.name === (chosen ?? layer.symbology?.field)) ?? offered.find((field) => field.type === "code") ?? offered[0];
  const kinds: ChartKind[] = by && NUMERIC.has(by.type) ? ["histogram"] : ["bar", "pie"];
  const [wished, setKind] = useState<ChartKind>("bar");
  const kind = kinds.includes(wished) ? wished : kinds[0]!;
  const [measure, setMeasure] = useState("count");
  const numbers = layer.fields.filter((field) => NUMERIC.has(field.type) && !field.personal && field.unit !== "a");
  const measures = ["count", ...numbers.flatMap((field) => [`sum:${field.name}`, ...(kind === "pie" ? [] : [`mean:${field.name}`])])];
  const nameOf = (each: string) => {
    const field = numbers.find((candidate) => candidate.name === each.split(":")[1]);
    return each === "count" ? t("charts.count") : t(each.startsWith("sum") ? "charts.sum" : "charts.mean", { field: pick(field?.title, language) });
  };
  const add = () => {
    if (!by) return;
    const { work, setWork } = useView.getState();
    const made: ChartSpec = { id: `${Date.now().toString(36)}`, layer: layer.id, by: by.name, kind, measure: measures.includes(measure) ? measure : "count" };
    setWork({ charts: [...work.charts, made] });
    done();
  };
  return (
    <form className="add-chart" onSubmit={(event) => { event.preventDefault(); add(); }}>
      <label className="work-line"><span>{t("work.layer")}</span>
        <Select aria-label={t("work.layer")} value={layer.id} onChange={(next) => { setId(next); setChosen(null); setMeasure("count"); }} showSearch={{ optionFilterProp: "label" }}
          options={layers.map((each) => ({ value: each.id, label: pick(each.title, language) }))} /></label>
      <label className="work-line"><span>{t("charts.by")}</span>
        <Select aria-label={t("charts.by")} value={by?.name} onChange={setChosen} showSearch={{ optionFilterProp: "label" }}
          options={offered.map((field) => ({ value: field.name, label: pick(field.title, language) }))} /></label>
      <label className="work-line"><span>{t("charts.kind")}</span>
        <Select aria-label={t("charts.kind")} value={kind} onChange={setKind} options={kinds.map((each) => ({ value: each, label: t(`charts.${each}`) }))} /></label>
      <label className="work-line"><span>{t("charts.measure")}</span>
        <Select aria-label={t("charts.measure")} value={measures.includes(measure) ? measure : "count"} onChange={setMeasure} showSearch={{ optionFilterProp: "label" }}
          options={measures.map((each) => ({ value: each, label: nameOf(each) }))} /></label>
      <div className="work-buttons">
        <Button onClick={done}>{t("common.cancel")}</Button>
        <Button type="primary" htmlType="submit" disabled={!by}>{t("charts.add2")}</Button>
      </div>
    </form>
  );
}
