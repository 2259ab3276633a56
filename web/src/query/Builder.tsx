import Button from "antd/es/button";
import { useEffect, useState } from "react";
import type { Layer } from "../api/types";
import { type Condition, isWhole, toCql2 } from "../format/condition";
import { toCql2Text } from "../format/cql2text";
import { formatNumber } from "../format/value";
import { useErrorText } from "../panels/PanelState";
import { useWords } from "../state/preferences";
import { useCount, useWhen } from "../state/queries";
import { useView } from "../state/view";
import { blank, ConditionTree } from "./ConditionTree";
import { KeptQueries } from "./KeptQueries";

const NONE: Condition[] = [];

/** Return conditions as one group, as the builder edits them. */
function asGroup(conditions: Condition[]): Condition {
  const [only] = conditions;
  return conditions.length === 1 && only!.terms ? only! : { field: "", op: "and", terms: conditions };
}

/** Return a group as the list of conditions that filters are. */
function asList(group: Condition): Condition[] {
  return group.op === "and" ? group.terms ?? [] : (group.terms ?? []).length > 0 ? [group] : [];
}

/** Build a query of nested groups; what is applied filters map, table, charts and export alike. */
export function Builder({ layer }: { layer: Layer }) {
  const { t, language } = useWords();
  const textOf = useErrorText();
  const applied = useView((view) => view.filters[layer.id]) ?? NONE;
  const [group, setGroup] = useState<Condition>(() => (applied.length > 0 ? asGroup(applied) : { field: "", op: "and", terms: [blank(layer)] }));
  useEffect(() => {
    if (applied.length > 0) setGroup(asGroup(applied));
  }, [applied]);
  const draft = asList(group);
  const whole = draft.length > 0 && draft.every(isWhole);
  const when = useWhen();
  const count = useCount(whole ? { layer: layer.id, ...when, filter: toCql2(draft, layer.fields) } : null);
  const text = toCql2Text(draft.filter(isWhole), layer.fields);
  const { setFilter } = useView.getState();
  return (
    <>
      <ConditionTree layer={layer} group={group} change={setGroup} />
      <p className="query-count" role="status">
        {!whole ? t("query.incomplete") : count.isError ? textOf(count.error) : count.data === undefined ? t("common.loading")
          : t("query.matches", { count: formatNumber(count.data, language) })}
      </p>
      {text && <pre className="query-text" aria-label="CQL2" tabIndex={0}>{text}</pre>}
      <div className="work-buttons">
        {applied.length > 0 && (
          <Button onClick={() => { setFilter(layer.id, []); setGroup({ field: "", op: "and", terms: [blank(layer)] }); }}>{t("table.filterClear")}</Button>
        )}
        <Button onClick={() => useView.getState().openTable(layer.id)}>{t("query.openTable")}</Button>
        <Button type="primary" disabled={!whole} onClick={() => setFilter(layer.id, draft)}>{t("common.apply")}</Button>
      </div>
      <KeptQueries layer={layer} draft={whole ? draft : null} load={(conditions) => { setGroup(asGroup(conditions)); setFilter(layer.id, conditions); }} />
    </>
  );
}
