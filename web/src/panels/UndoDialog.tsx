import Input from "antd/es/input";
import Modal from "antd/es/modal";
import { useState } from "react";
import { undoChangeset } from "../api/changesets";
import { Problem } from "../api/http";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { announce } from "../state/refresh";
import { useDraft } from "../state/draft";
import { useLayers } from "../state/queries";
import { useErrorText } from "./PanelState";
import { useUndo } from "./undo";

interface Dependent {
  seq?: number;
  layer?: string;
  fid?: number;
}

/** Ask once more, then undo a changeset; when it is refused, say what stands on it. */
export default function UndoDialog() {
  const { t } = useWords();
  const seq = useUndo((undo) => undo.seq);
  const layers = useLayers();
  const textOf = useErrorText();
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  if (seq === null) return null;
  const close = () => {
    useUndo.setState({ seq: null });
    setProblem(null);
    setReason("");
  };
  const run = async () => {
    setBusy(true);
    try {
      await undoChangeset(seq, reason.trim());
      announce(layers.map((layer) => layer.id));
      if (useDraft.getState().lastSeq === seq) useDraft.setState({ lastSeq: null });
      useNotices.getState().tell({ kind: "done", text: t("undo.done", { seq }) });
      close();
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const dependents = problem instanceof Problem ? (problem.members.dependents as Dependent[] | undefined) : undefined;
  return (
    <Modal open title={t("undo.title", { seq })} okText={t("undo.confirm")} cancelText={t("common.cancel")} confirmLoading={busy} width={420}
      okButtonProps={{ disabled: reason.trim() === "" || Boolean(dependents) }} onOk={() => void run()} onCancel={close}>
      <p>{t("undo.ask")}</p>
      <label className="undo-reason">
        {t("edit.reason")}
        <Input autoFocus size="middle" value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)}
          onPressEnter={() => reason.trim() && void run()} />
      </label>
      {dependents ? (
        <div className="form-fault" role="alert">
          {t("undo.refused")}
          <ul>{dependents.slice(0, 12).map((d, i) => <li key={i}>{t("history.changeset", { seq: d.seq ?? "?" })} · {d.layer} #{d.fid}</li>)}</ul>
        </div>
      ) : problem !== null && <p className="form-fault" role="alert">{textOf(problem)}</p>}
    </Modal>
  );
}
