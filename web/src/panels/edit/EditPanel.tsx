import { CloseOutlined, LoadingOutlined } from "../../icons";
import Button from "antd/es/button";
import Form from "antd/es/form";
import Modal from "antd/es/modal";
import { useEffect, useState } from "react";
import { Problem } from "../../api/http";
import type { LayerField } from "../../api/types";
import { checkDraft } from "../../format/check";
import { labelOf } from "../../format/label";
import type { MessageKey } from "../../format/messages.zh";
import { pick } from "../../format/text";
import { changedFields, type Draft, geometryChanged, isDirty, useDraft } from "../../state/draft";
import { useNotices } from "../../state/notices";
import { useWords } from "../../state/preferences";
import { announce } from "../../state/refresh";
import { useSession } from "../../state/session";
import { useView } from "../../state/view";
import { useErrorText } from "../PanelState";
import { askUndo } from "../undo";
import { ConflictScreen } from "./ConflictScreen";
import { FaultList } from "./FaultList";
import { FieldInput } from "./FieldInput";
import { GeometryTools } from "./GeometryTools";
import { CheckIcon } from "./icons";
import { Grounds } from "./Grounds";
import { PieceList } from "./PieceList";
import { useChecks } from "./useChecks";
import { useStepKeys } from "./useStepKeys";

// The server names the member of the request that is wrong; here it is what was just drawn.
const PARAMETER = /^(参数“[^”]*”：|Parameter '[^']*': )/;

function titleOf(draft: Draft, t: ReturnType<typeof useWords>["t"], language: "zh" | "en"): string {
  const layer = pick(draft.layer.title, language);
  if (draft.op === "create") return t("edit.create", { layer });
  if (draft.op === "merge" || draft.op === "batch") return t(`edit.${draft.op}Title`, { count: draft.items.length, layer });
  return labelOf(draft.layer, draft.base ?? { id: draft.fid ?? 0, properties: {} }, language);
}

function useSave(): (draft: Draft) => Promise<void> {
  const { t } = useWords();
  const undoable = useSession((session) => session.account?.capabilities.includes("undo") ?? false);
  return async (draft) => {
    const saved = await useDraft.getState().save();
    if (!saved) return;
    const action = undoable ? { text: t("undo.confirm"), run: () => askUndo(saved.seq) } : undefined;
    useNotices.getState().tell({ kind: "done", text: t(savedWord(draft), { seq: saved.seq, count: draft.items.length }), action }, 12);
    const shown = draft.op === "batch" ? draft.items.map((item) => item.id) : [saved.fid];
    useView.getState().select(draft.then ?? shown.map((fid) => ({ layer: draft.layer.id, fid })));
    // The change stream brings the same news; one's own edit must not wait for it. What has ended is not read again.
    announce([draft.layer.id]);
  };
}

function savedWord(draft: Draft): MessageKey {
  if (draft.pieces) return "edit.wasSplit";
  return ({ create: "edit.created", retire: "edit.retired", merge: "edit.merged", batch: "edit.batchSaved", edit: "edit.saved" } as const)[draft.op];
}

function Fields({ draft, faults }: { draft: Draft; faults: Record<string, string> }) {
  const { language } = useWords();
  // What each part of a split has of its own is not said of all of them.
  const own = new Set(draft.pieces?.flatMap((piece) => Object.keys(piece.values)));
  const shown = draft.layer.fields.filter((field: LayerField) => !field.personal && !own.has(field.name) && !(draft.op === "batch" && field.name === draft.layer.key));
  const touched = new Set(changedFields(draft));
  return (
    <>
      {shown.map((field) => (
        <FieldInput key={field.name} field={field} value={draft.values[field.name]} label={pick(field.title, language)}
          changed={["edit", "batch"].includes(draft.op) && touched.has(field.name)} fault={faults[field.name]} />
      ))}
    </>
  );
}

/** The form for the feature that is being changed, made or retired. */
export default function EditPanel() {
  const { t, language } = useWords();
  const draft = useDraft((drafting) => drafting.draft);
  const [asked, setAsked] = useState(false);
  const [tried, setTried] = useState(false);
  const save = useSave();
  const signedIn = useSession((session) => session.account !== null);
  useEffect(() => {
    if (signedIn) useDraft.getState().change({ problem: null });
  }, [signedIn]);
  const textOf = useErrorText();
  const { check, passed, checking } = useChecks(draft);
  useStepKeys();
  const close = () => {
    const now = useDraft.getState().draft;
    if (now && isDirty(now)) setAsked(true);
    else useDraft.getState().end();
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !document.querySelector(".ant-modal-wrap:not([style*='display: none']), .ant-select-dropdown:not(.ant-select-dropdown-hidden)")) close();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
  if (!draft) return null;

  const own = checkDraft(draft.layer, draft.values, t, ["create", "merge"].includes(draft.op) ? null : draft.base?.properties ?? {});
  const server = Object.fromEntries(draft.faults.filter((f) => f.field).map((f) => [f.field!, f.message]));
  const faults = { ...(tried ? own : {}), ...server };
  const changes = changedFields(draft).length + (geometryChanged(draft) ? 1 : 0);
  const counted = draft.op === "edit" || draft.op === "batch";
  const missingGeometry = draft.op === "create" && draft.layer.kind === "spatial" && !draft.geometry;
  const ready = draft.reason.trim().length > 0 && draft.validFrom !== "" && !missingGeometry
    && (!counted || changes > 0);
  const submit = () => {
    setTried(true);
    if (draft.op !== "retire" && Object.keys(own).length > 0) {
      document.querySelector(".ant-form-item-has-error input, .ant-form-item-has-error textarea")?.scrollIntoView({ block: "center" });
    } else if (ready) void save(draft);
  };
  const kind = t(({ retire: "edit.retire", create: "layers.new", merge: "edit.merge", batch: "edit.batch", edit: "edit.title" } as const)[draft.op]);
  return (
    <aside className="panel feature edit" data-covers="right" aria-label={kind}>
      <header className="panel-head">
        <div className="feature-head">
          <span className="feature-layer">{kind} · {pick(draft.layer.title, language)}</span>
          <h2>{titleOf(draft, t, language)}</h2>
        </div>
        <button type="button" className="quiet" aria-label={t("common.close")} onClick={close}><CloseOutlined /></button>
      </header>
      <Form layout="horizontal" labelCol={{ flex: "116px" }} labelAlign="left" labelWrap colon={false} className="panel-body edit-form" onFinish={submit}>
        {draft.op === "retire" ? (
          <p className="form-note">{t("edit.retireAsk", { label: titleOf(draft, t, language) })}</p>
        ) : (
          <>
            {draft.op === "merge" && <p className="form-note">{t("edit.mergeNote")}</p>}
            {draft.op === "batch" && <p className="form-note">{t("edit.batchNote")}</p>}
            {draft.layer.kind === "spatial" && draft.op !== "batch" && <GeometryTools draft={draft} />}
            {draft.pieces && <PieceList draft={draft} />}
            <Fields draft={draft} faults={faults} />
          </>
        )}
        <Grounds draft={draft} tried={tried} />
      </Form>
      <footer className="panel-foot">
        <FaultList faults={draft.faults} />
        {draft.problem && (
          <p className="form-fault" role="alert">
            {textOf(draft.problem).replace(PARAMETER, "")}
            {draft.problem instanceof Problem && draft.problem.status === 401 && (
              <Button type="link" onClick={() => useSession.getState().setForm("open")}>{t("account.signIn")}</Button>
            )}
          </p>
        )}
        {missingGeometry && tried && <p className="form-fault" role="alert">{t("edit.geometryMissing")}</p>}
        <span className="edit-changes">{counted ? (changes > 0 ? t("edit.changes", { count: changes }) : t("edit.unchanged")) : ""}</span>
        {passed && <span className="edit-passed" role="status"><CheckIcon /> {t("edit.checked")}</span>}
        <Button loading={checking} disabled={missingGeometry} onClick={() => void check(true)}>{t("edit.check")}</Button>
        <Button onClick={close}>{t("common.cancel")}</Button>
        <Button type="primary" danger={draft.op === "retire"} loading={draft.saving && { icon: <LoadingOutlined /> }} onClick={submit}
          disabled={draft.working || (counted && changes === 0)}>
          {draft.saving ? t("edit.saving") : draft.op === "retire" ? t("edit.retire") : t("edit.save")}
        </Button>
      </footer>
      {draft.conflict && <ConflictScreen key={String(draft.conflict.theirs?.properties.version)} draft={draft} save={save} />}
      <Modal open={asked} title={t("edit.discard")} okText={t("edit.discardYes")} cancelText={t("edit.discardNo")} width={360}
        okButtonProps={{ danger: true }} onCancel={() => setAsked(false)} onOk={() => { setAsked(false); useDraft.getState().end(); }} />
    </aside>
  );
}
