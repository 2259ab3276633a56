import Button from "antd/es/button";
import { useState } from "react";
import { readByIds } from "../../api/items";
import type { Layer } from "../../api/types";
import { today } from "../../format/instant";
import { beginBatch, beginMerge } from "../../state/operations";
import { useWords } from "../../state/preferences";
import type { Ref } from "../../state/view";
import { useErrorText } from "../PanelState";
import { MergeIcon } from "./icons";

const MOST = 500;
const PAGE = 100;

/** What can be done with many selected features of a layer at once. */
export default function SelectionActions({ layer, selection }: { layer: Layer; selection: Ref[] }) {
  const { t } = useWords();
  const textOf = useErrorText();
  const [busy, setBusy] = useState<"" | "merge" | "batch">("");
  const [fault, setFault] = useState("");
  const mixed = selection.some((ref) => ref.layer !== layer.id);
  const begin = async (what: "merge" | "batch") => {
    setBusy(what);
    setFault("");
    try {
      const fids = selection.map((ref) => ref.fid);
      const items = [];
      for (let start = 0; start < fids.length; start += PAGE) items.push(...await readByIds(layer.id, fids.slice(start, start + PAGE), {}));
      items.sort((a, b) => fids.indexOf(a.id) - fids.indexOf(b.id));
      if (what === "merge") await beginMerge(layer, items, today());
      else beginBatch(layer, items, today());
    } catch (error) {
      setFault(textOf(error));
    } finally {
      setBusy("");
    }
  };
  return (
    <div className="selection-actions" role="group" aria-label={t("edit.selected", { count: selection.length })}>
      <span>{mixed ? t("edit.selectedMixed") : t("edit.selected", { count: selection.length })}</span>
      {!mixed && (
        <>
          {layer.kind === "spatial" && !layer.geometry?.endsWith("Point") && (
            <Button icon={<MergeIcon />} loading={busy === "merge"} disabled={busy !== "" || selection.length > PAGE} onClick={() => void begin("merge")}>{t("edit.merge")}</Button>
          )}
          <Button loading={busy === "batch"} disabled={busy !== "" || selection.length > MOST} title={selection.length > MOST ? t("edit.batchMost", { count: MOST }) : undefined}
            onClick={() => void begin("batch")}>{t("edit.batch")}</Button>
        </>
      )}
      {fault && <p className="form-fault" role="alert">{fault}</p>}
    </div>
  );
}
