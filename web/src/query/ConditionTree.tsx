import { CloseOutlined, PlusOutlined } from "../icons";
import Button from "antd/es/button";
import Select from "antd/es/select";
import type { Layer, LayerField } from "../api/types";
import { allOperatorsOf, type Condition, isGroup, type Operator } from "../format/condition";
import type { MessageKey } from "../format/messages.zh";
import { pick } from "../format/text";
import { Operand } from "../panels/table/FilterForm";
import { useWords } from "../state/preferences";

const OPERATORS: Partial<Record<Operator, MessageKey>> = {
  "=": "query.eq", "<>": "query.ne", ">": "query.gt", ">=": "query.ge", "<": "query.lt", "<=": "query.le",
  like: "filter.contains", in: "filter.oneOf", null: "filter.null", notnull: "filter.notnull",
};
const DEEPEST = 4;

/** Fields that a query may name. */
export function queryFields(layer: Layer): LayerField[] {
  return layer.fields.filter((field) => !field.personal && field.type !== "json" && field.type !== "codes");
}

/** A new condition on the first field of a layer. */
export function blank(layer: Layer): Condition {
  const field = queryFields(layer).find((candidate) => candidate.type === "code") ?? queryFields(layer)[0];
  return field ? { field: field.name, op: allOperatorsOf(field)[0]! } : { field: "", op: "and", terms: [] };
}

function Line({ layer, condition, change, remove }: {
  layer: Layer; condition: Condition; change: (condition: Condition) => void; remove: () => void;
}) {
  const { t, language } = useWords();
  const fields = queryFields(layer);
  const field = fields.find((candidate) => candidate.name === condition.field);
  if (condition.op === "within") {
    return (
      <div className="query-line" data-area="true"><span>{t("query.within")}</span>
        <button type="button" className="quiet" aria-label={t("query.remove")} onClick={remove}><CloseOutlined /></button></div>
    );
  }
  return (
    <div className="query-line">
      <Select aria-label={t("work.field")} value={condition.field} showSearch={{ optionFilterProp: "label" }} popupMatchSelectWidth={220}
        onChange={(name) => {
          const next = fields.find((candidate) => candidate.name === name)!;
          change({ field: name, op: allOperatorsOf(next)[0]! });
        }}
        options={fields.map((each) => ({ value: each.name, label: pick(each.title, language) }))} />
      <Select aria-label={t("query.operator")} value={condition.op} popupMatchSelectWidth={110} onChange={(op) => change({ ...condition, op })}
        options={(field ? allOperatorsOf(field) : []).map((op) => ({ value: op, label: t(OPERATORS[op] ?? "filter.value") }))} />
      <button type="button" className="quiet" aria-label={t("query.remove")} title={t("query.remove")} onClick={remove}><CloseOutlined /></button>
      {field && condition.op !== "null" && condition.op !== "notnull" && (
        <div className="query-value"><Operand field={field} op={condition.op} value={condition.value} change={(value) => change({ ...condition, value })} /></div>
      )}
    </div>
  );
}

/** A group of conditions and groups: all, any, or none of them hold. */
export function ConditionTree({ layer, group, change, remove, depth = 0 }: {
  layer: Layer; group: Condition; change: (group: Condition) => void; remove?: () => void; depth?: number;
}) {
  const { t } = useWords();
  const terms = group.terms ?? [];
  const put = (index: number, next: Condition | null) =>
    change({ ...group, terms: next ? terms.map((term, i) => (i === index ? next : term)) : terms.filter((_, i) => i !== index) });
  return (
    <div className="query-group" role="group" aria-label={t("query.group")} data-depth={depth}>
      <div className="query-head">
        <Select aria-label={t("query.joined")} value={group.op} onChange={(op) => change({ ...group, op })}
          options={(["and", "or", "not"] as const).map((op) => ({ value: op, label: t(`query.${op}`) }))} />
        {remove && <button type="button" className="quiet" aria-label={t("query.removeGroup")} title={t("query.removeGroup")} onClick={remove}><CloseOutlined /></button>}
      </div>
      {terms.map((term, index) => (isGroup(term)
        ? <ConditionTree key={index} layer={layer} group={term} depth={depth + 1} change={(next) => put(index, next)} remove={() => put(index, null)} />
        : <Line key={index} layer={layer} condition={term} change={(next) => put(index, next)} remove={() => put(index, null)} />))}
      <div className="query-add">
        <Button icon={<PlusOutlined />} onClick={() => change({ ...group, terms: [...terms, blank(layer)] })}>{t("query.addCondition")}</Button>
        {depth < DEEPEST && (
          <Button icon={<PlusOutlined />} onClick={() => change({ ...group, terms: [...terms, { field: "", op: group.op === "or" ? "and" : "or", terms: [blank(layer)] }] })}>
            {t("query.addGroup")}
          </Button>
        )}
      </div>
    </div>
  );
}
