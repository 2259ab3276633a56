import { DeleteOutlined, PlusOutlined } from "../../icons";
import Button from "antd/es/button";
import DatePicker from "antd/es/date-picker";
import Form from "antd/es/form";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import type { LayerField } from "../../api/types";
import { pick } from "../../format/text";
import { unitOf } from "../../format/value";
import { useDraft } from "../../state/draft";
import { useWords } from "../../state/preferences";
import { RefInput } from "./RefInput";

interface Code {
  scheme: string;
  value: string;
}

function Codes({ value, change }: { value: Code[]; change: (value: Code[]) => void }) {
  const { t } = useWords();
  const put = (index: number, part: Partial<Code>) => change(value.map((code, i) => (i === index ? { ...code, ...part } : code)));
  return (
    <div className="codes">
      {value.map((code, index) => (
        <div key={index}>
          <Input aria-label={t("edit.scheme")} placeholder={t("edit.scheme")} value={code.scheme} onChange={(e) => put(index, { scheme: e.target.value })} />
          <Input aria-label={t("match.code")} placeholder={t("match.code")} value={code.value} onChange={(e) => put(index, { value: e.target.value })} />
          <Button aria-label={t("common.clear")} icon={<DeleteOutlined />} onClick={() => change(value.filter((_, i) => i !== index))} />
        </div>
      ))}
      <Button icon={<PlusOutlined />} onClick={() => change([...value, { scheme: "", value: "" }])}>{t("match.code")}</Button>
    </div>
  );
}

function Control({ field, value, id }: { field: LayerField; value: unknown; id: string }) {
  const { t, language } = useWords();
  const change = (next: unknown) => useDraft.getState().setValue(field.name, next === "" ? null : next ?? null);
  const wide = { style: { width: "100%" } };
  switch (field.type) {
    case "code":
      return (
        <Select id={id} allowClear={!field.required} value={(value as string | null) ?? undefined} onChange={(next) => change(next)}
          showSearch={{ optionFilterProp: "label" }}
          options={Object.entries(field.codes ?? {}).map(([code, title]) => ({ value: code, label: pick(title, language) }))} />
      );
    case "boolean":
      return (
        <Select id={id} allowClear value={(value as boolean | null) ?? undefined} onChange={(next) => change(next)}
          options={[{ value: true, label: t("filter.yes") }, { value: false, label: t("filter.no") }]} />
      );
    case "reference":
      return <RefInput id={id} layer={field.references!} value={(value as number | null) ?? null} change={change} />;
    case "integer":
    case "number":
      return (
        <InputNumber id={id} {...wide} value={value as number | null} onChange={(next) => change(next)}
          suffix={unitOf(field, language) || undefined} />
      );
    case "date":
      return (
        <DatePicker id={id} {...wide} value={value ? dayjs(String(value)) : null} onChange={(next) => change(next?.format("YYYY-MM-DD"))} />
      );
    case "datetime":
      return (
        <DatePicker id={id} {...wide} showTime value={value ? dayjs(String(value)) : null} onChange={(next) => change(next?.toISOString())} />
      );
    case "codes":
      return <Codes value={(value as Code[] | null) ?? []} change={(next) => change(next.length > 0 ? next : null)} />;
    case "text":
      return <Input.TextArea id={id} autoSize={{ minRows: 2, maxRows: 6 }} value={(value as string | null) ?? ""} onChange={(e) => change(e.target.value)} />;
    case "json":
      return <Input.TextArea id={id} readOnly value={value ? JSON.stringify(value) : ""} />;
    default:
      return (
        <Input id={id} value={(value as string | null) ?? ""} maxLength={field.max_length} onChange={(e) => change(e.target.value)} />
      );
  }
}

/** One field of the form, as its definition says: code lists choose, ranges hold, units stand beside. */
export function FieldInput({ field, value, label, changed, fault }: {
  field: LayerField; value: unknown; label: string; changed: boolean; fault: string | undefined;
}) {
  const { language } = useWords();
  const id = `edit-${field.name}`;
  return (
    <Form.Item className="field-input" data-changed={changed} data-field={field.name} htmlFor={id} required={field.required}
      label={<span title={pick(field.description, language) || field.name}>{label}</span>}
      validateStatus={fault ? "error" : undefined} help={fault}>
      <Control field={field} value={value} id={id} />
    </Form.Item>
  );
}
