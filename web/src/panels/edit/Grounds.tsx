import DatePicker from "antd/es/date-picker";
import Form from "antd/es/form";
import Input from "antd/es/input";
import Radio from "antd/es/radio";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { dayOf } from "../../format/instant";
import { type Draft, useDraft } from "../../state/draft";
import { useWords } from "../../state/preferences";

const MOST_REASON = 500;

/** What every edit has to say: is it news or a correction, from which day, and on what grounds. */
export function Grounds({ draft, tried }: { draft: Draft; tried: boolean }) {
  const { t } = useWords();
  const { change } = useDraft.getState();
  const alone = draft.op === "edit" && draft.pieces === null;
  const isCorrection = alone && draft.kind === "correct";
  const begun = draft.base?.properties.valid_from;
  const earliest = typeof begun === "string" ? dayjs(dayOf(begun)) : undefined;
  const missing = tried && draft.reason.trim() === "";
  return (
    <fieldset className="grounds">
      {alone && (
        <Form.Item label={t("edit.kind")} help={t(draft.kind === "put" ? "edit.putHint" : "edit.correctHint")}>
          <Radio.Group optionType="button" value={draft.kind} onChange={(event) => change({ kind: event.target.value as Draft["kind"] })}
            options={[{ value: "put", label: t("edit.put") }, { value: "correct", label: t("edit.correct") }]} />
        </Form.Item>
      )}
      {!isCorrection && (
        <Form.Item label={t(draft.op === "retire" ? "edit.retireFrom" : "edit.validFrom")} required htmlFor="edit-valid-from">
          <DatePicker id="edit-valid-from" style={{ width: "100%" }} allowClear={false} minDate={earliest} value={draft.validFrom ? dayjs(draft.validFrom) : null}
            onChange={(value) => change({ validFrom: value ? value.format("YYYY-MM-DD") : "" })} />
        </Form.Item>
      )}
      <Form.Item label={t("edit.reason")} required htmlFor="edit-reason" validateStatus={missing ? "error" : undefined}
        help={missing ? t("edit.required") : undefined}>
        <Input.TextArea id="edit-reason" autoSize={{ minRows: 2, maxRows: 5 }} maxLength={MOST_REASON} placeholder={t("edit.reasonHint")}
          value={draft.reason} onChange={(event) => change({ reason: event.target.value })} />
      </Form.Item>
      <Form.Item label={t("edit.source")} htmlFor="edit-source">
        <Input id="edit-source" maxLength={200} placeholder={t("edit.sourceHint")} value={draft.source}
          onChange={(event) => change({ source: event.target.value })} />
      </Form.Item>
    </fieldset>
  );
}
