import Button from "antd/es/button";
import type { Layer } from "../api/types";
import { formatNumber } from "../format/value";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

/** A selection of a layer that is too large for a list: what it is, filter by it, let it go. */
export function ChosenLine({ layer }: { layer: Layer }) {
  const { t, language } = useWords();
  const chosen = useView((view) => view.work.chosen);
  const conditions = useView((view) => view.filters[layer.id]) ?? [];
  if (chosen?.layer !== layer.id) return null;
  const others = conditions.filter((condition) => condition.op !== "selected");
  const isFiltered = conditions.some((condition) => condition.op === "selected" && condition.value === chosen.selection);
  const { setFilter, setWork } = useView.getState();
  return (
    <span className="chosen-line" role="group" aria-label={t("select.chosen")}>
      <span className="table-selected">{t("table.selected", { count: formatNumber(chosen.count, language) })}</span>
      <Button aria-pressed={isFiltered} type={isFiltered ? "primary" : "default"} title={t("select.onlyHint")}
        onClick={() => setFilter(layer.id, isFiltered ? others : [...others, { field: "", op: "selected", value: chosen.selection }])}>{t("select.only")}</Button>
      <Button onClick={() => { setFilter(layer.id, others); setWork({ chosen: null }); }}>{t("table.clear")}</Button>
    </span>
  );
}
