import Button from "antd/es/button";
import DatePicker from "antd/es/date-picker";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { useState } from "react";
import type { Layer, LayerField } from "../../api/types";
import { type Condition, type Operator, operatorsOf } from "../../format/condition";
import type { MessageKey } from "../../format/messages.zh";
import { pick } from "../../format/text";
import { unitOf } from "../../format/value";
import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";

const NAMES: Partial<Record<Operator, MessageKey>> = {
  "=": "filter.equals", "<>": "filter.unequal", "<": "filter.to", "<=": "filter.to", ">": "filter.from", ">=": "filter.from",
  like: "filter.contains", in: "filter.oneOf", null: "filter.null", notnull: "filter.notnull",
};
const NONE: Condition[] = [];

/** The input of a value, as the type of the field wants it. */
export function Operand({ field, op, value, change }: {
  field: LayerField; op: Operator; value: Condition["value"]; change: (value: Condition["value"]) => void;
}) {
  const { t, language } = useWords();
  if (op === "null" || op === "notnull") return null;
  const common = { "aria-label": `${t(NAMES[op] ?? "filter.value")} ${t("filter.value")}`, style: { width: "100%" } };
  switch (field.type) {
    case "code":
      return (
        <Select {...common} mode="multiple" autoFocus maxTagCount={3} value={(value as string[] | undefined) ?? []} onChange={change}
          showSearch={{ optionFilterProp: "label" }}
          options={Object.entries(field.codes ?? {}).map(([code, title]) => ({ value: code, label: pick(title, language) }))} />
      );
    case "boolean":
      return (
        <Select {...common} value={value as boolean | undefined} onChange={(next) => change(next as boolean)}
          options={[{ value: true, label: t("filter.yes") }, { value: false, label: t("filter.no") }]} />
      );
    case "integer":
    case "number":
    case "reference":
      return (
        <InputNumber {...common} value={value as number | undefined} suffix={unitOf(field, language) || undefined}
          precision={field.type === "number" ? undefined : 0} onChange={(next) => change(next === null ? undefined : Number(next))} />
      );
    case "date":
    case "datetime":
      return (
        <DatePicker {...common} value={value ? dayjs(String(value)) : null}
          onChange={(next) => change(next ? (field.type === "date" ? next.format("YYYY-MM-DD") : next.toISOString()) : undefined)} />
      );
    default:
      return <Input {...common} autoFocus value={(value as string | undefined) ?? ""} onChange={(event) => change(event.target.value || undefined)} />;
  }
}

/** The conditions of one field: between two bounds, one of some codes, a part of a text. */
export function FilterForm({ layer, field, close }: { layer: Layer; field: LayerField; close: () => void }) {
  const { t, language } = useWords();
  const all = useView((view) => view.filters[layer.id]) ?? NONE;
  const mine = all.filter((condition) => condition.field === field.name);
  const ranged = operatorsOf(field).includes(">=");
  const [op, setOp] = useState<Operator>(ranged ? (mine.find((c) => ["=", "null", "notnull"].includes(c.op))?.op ?? ">=") : mine[0]?.op ?? operatorsOf(field)[0]!);
  const [values, setValues] = useState<Partial<Record<Operator, Condition["value"]>>>(
    Object.fromEntries(mine.map((condition) => [condition.op, condition.value])));
  const between = ranged && op === ">=";
  const shown: Operator[] = between ? [">=", "<="] : [op];

  const apply = (conditions: Condition[]) => {
    useView.getState().setFilter(layer.id, [...all.filter((condition) => condition.field !== field.name), ...conditions]);
    close();
  };
  const submit = () => apply(shown
    .filter((name) => ["null", "notnull"].includes(name)
      || (values[name] !== undefined && (!Array.isArray(values[name]) || (values[name] as unknown[]).length > 0)))
    .map((name) => (values[name] === undefined ? { field: field.name, op: name } : { field: field.name, op: name, value: values[name] })));
  const offered = operatorsOf(field).filter((name) => name !== "<=");
  return (
    <form className="filter-form" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <strong>{pick(field.title, language)}</strong>
      <Select value={op} onChange={setOp} aria-label={t("table.filter", { field: pick(field.title, language) })}
        options={offered.map((name) => ({ value: name, label: name === ">=" ? `${t("filter.from")} / ${t("filter.to")}` : t(NAMES[name] ?? "filter.value") }))} />
      {shown.map((name) => (
        <label key={name}>
          {between && <span>{t(NAMES[name] ?? "filter.value")}</span>}
          <Operand field={field} op={name} value={values[name]} change={(value) => setValues({ ...values, [name]: value })} />
        </label>
      ))}
      <div className="filter-buttons">
        <Button onClick={() => apply([])}>{t("common.clear")}</Button>
        <Button type="primary" htmlType="submit">{t("common.apply")}</Button>
      </div>
    </form>
  );
}
