import Button from "antd/es/button";
import { useState } from "react";
import { readSelection, type Selected } from "../api/statistics";
import type { Layer } from "../api/types";
import { type Condition, toCql2 } from "../format/condition";
import { eachPosition } from "../format/geometry";
import { pick } from "../format/text";
import { formatNumber } from "../format/value";
import { ChosenLine } from "../panels/ChosenLine";
import { PlacePicker } from "../panels/PlacePicker";
import { useErrorText } from "../panels/PanelState";
import { usePlaceArea, useWhere } from "../state/place";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import type { Rule } from "../state/work";

const RULES: Rule[] = ["intersects", "centroid", "within"];
const MOST_SELECTED = 2_000;
// A filter travels in the address of every tile.
const MOST_VERTICES = 250;
const NONE: Condition[] = [];

function vertices(area: Parameters<typeof eachPosition>[0]): number {
  let count = 0;
  eachPosition(area, () => { count += 1; });
  return count;
}

/** Select the features of a layer that are in a place; what its filter leaves out is left out. */
export function SelectBy({ layer }: { layer: Layer }) {
  const { t, language } = useWords();
  const textOf = useErrorText();
  const { rule } = useView((view) => view.work);
  const conditions = useView((view) => view.filters[layer.id]) ?? NONE;
  const where = useWhere();
  const area = usePlaceArea();
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<Selected | null>(null);
  const [fault, setFault] = useState("");
  const chosen = RULES.includes(rule) ? rule : "intersects";
  const select = async () => {
    if (!where) return;
    setBusy(true);
    setFault("");
    try {
      const answer = await readSelection({ ...where, rule: chosen }, layer.id, toCql2(conditions, layer.fields), MOST_SELECTED);
      setFound(answer);
      const { select: choose, setWork } = useView.getState();
      const isLarge = answer.count > answer.fids.length;
      setWork({ chosen: isLarge ? { layer: layer.id, selection: answer.selection, count: answer.kept } : null });
      choose(isLarge ? [] : answer.fids.map((fid) => ({ layer: layer.id, fid })), 0);
    } catch (error) {
      setFault(textOf(error));
    } finally {
      setBusy(false);
    }
  };
  const filterable = area !== null && vertices(area) <= MOST_VERTICES;
  const filter = () => {
    if (area) useView.getState().setFilter(layer.id, [...conditions.filter((condition) => condition.op !== "within"), { field: "", op: "within", area }]);
  };
  const wholeCity = where !== null && !where.bbox && !where.area && !where.features;
  return (
    <section aria-label={t("select.title")}>
      <h3 className="work-head">{t("select.title")}</h3>
      <div className="select-by">
        <PlacePicker rules={RULES} rule={chosen} setRule={(next) => useView.getState().setWork({ rule: next })} />
        <div className="work-buttons">
          <Button onClick={filter} disabled={!filterable} title={area && !filterable ? t("select.tooFine") : undefined}>{t("select.filter")}</Button>
          <Button type="primary" loading={busy} disabled={!where || wholeCity} onClick={() => void select()}>{t("select.select")}</Button>
        </div>
        <ChosenLine layer={layer} />
        {fault && <p className="form-fault" role="alert">{fault}</p>}
        {found && !fault && (
          <p className="place-hint" role="status">
            {t("select.found", { count: formatNumber(found.count, language), rule: pick(found.rule_means, language) })}
            {found.count > found.kept && ` ${t("select.first", { count: formatNumber(found.kept, language) })}`}
          </p>
        )}
      </div>
    </section>
  );
}
