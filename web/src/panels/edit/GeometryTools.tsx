import { EditOutlined, LoadingOutlined, PlusOutlined, RollbackOutlined, UndoOutlined } from "../../icons";
import Button from "antd/es/button";
import { type ReactNode, useState } from "react";
import type { MessageKey } from "../../format/messages.zh";
import { shapeOf } from "../../format/parts";
import { type Draft, geometryChanged, type Sketch, useDraft } from "../../state/draft";
import { fillAll } from "../../state/operations";
import { useWords } from "../../state/preferences";
import { CoordinateList } from "./CoordinateList";
import { FillIcon, HoleIcon, ListIcon, MoveIcon, RedoIcon, ReshapeIcon, SplitIcon } from "./icons";
import { MoveBy } from "./MoveBy";

const DRAW_HINTS = { point: "edit.drawPoint", linestring: "edit.drawLine", polygon: "edit.drawPolygon" } as const;
const HINTS: Partial<Record<Sketch, MessageKey>> = {
  change: "edit.geometryHint", split: "edit.splitHint", reshape: "edit.reshapeHint", hole: "edit.holeHint", fill: "edit.fillHint",
};
type Tool = "split" | "reshape" | "hole" | "fill";

function hasHole(draft: Draft): boolean {
  const { geometry } = draft;
  if (geometry?.type === "Polygon") return geometry.coordinates.length > 1;
  return geometry?.type === "MultiPolygon" && geometry.coordinates.some((rings) => rings.length > 1);
}

/** What is done with a line or a ring that is drawn over the feature, and by numbers. */
function Operations({ draft }: { draft: Draft }) {
  const { t } = useWords();
  const [open, setOpen] = useState<"none" | "move" | "list">("none");
  const shape = shapeOf(draft.layer.geometry ?? "Geometry");
  const { change } = useDraft.getState();
  const tool = (name: Tool, icon: ReactNode) => (
    <Button key={name} icon={icon} disabled={draft.working} aria-pressed={draft.sketch === name} type={draft.sketch === name ? "primary" : "default"}
      onClick={() => change({ sketch: draft.sketch === name ? "off" : name, problem: null })}>{t(`edit.${name}`)}</Button>
  );
  const unfold = (name: "move" | "list", icon: ReactNode, text: MessageKey) => (
    <Button icon={icon} aria-expanded={open === name} type={open === name ? "primary" : "default"} ghost={open === name}
      onClick={() => setOpen(open === name ? "none" : name)}>{t(text)}</Button>
  );
  return (
    <>
      <div className="geometry-buttons" role="group" aria-label={t("edit.tools")}>
        {draft.geometry && shape !== "point" && (
          <>
            {draft.op === "edit" && tool("split", <SplitIcon />)}
            {tool("reshape", <ReshapeIcon />)}
            {shape === "polygon" && tool("hole", <HoleIcon />)}
            {hasHole(draft) && tool("fill", <FillIcon />)}
          </>
        )}
        {draft.geometry && unfold("move", <MoveIcon />, "edit.move")}
        {unfold("list", <ListIcon />, "edit.positions")}
        {draft.working && <span role="status" className="geometry-working"><LoadingOutlined /> {t("edit.working")}</span>}
      </div>
      {draft.sketch === "fill" && <Button onClick={() => void fillAll()}>{t("edit.fillAll")}</Button>}
      {open === "move" && draft.geometry && <MoveBy />}
      {open === "list" && <CoordinateList draft={draft} />}
    </>
  );
}

/** What can be done with the geometry of the draft. */
export function GeometryTools({ draft }: { draft: Draft }) {
  const { t } = useWords();
  const { change, undoGeometry, redoGeometry, setGeometry } = useDraft.getState();
  const type = draft.layer.geometry ?? "Geometry";
  const multi = type.startsWith("Multi") || type === "Geometry";
  const touched = geometryChanged(draft);
  const drawing = draft.sketch !== "off" && draft.sketch !== "change";
  const hint = draft.sketch === "draw" ? DRAW_HINTS[shapeOf(type)] : HINTS[draft.sketch];
  return (
    <section className="geometry-tools" aria-label={t("edit.geometry")}>
      <h3>{t("edit.geometry")}{touched && draft.op === "edit" && <em>{t("edit.geometryChanged")}</em>}</h3>
      <div className="geometry-buttons">
        {draft.geometry && (
          <Button icon={<EditOutlined />} type={draft.sketch === "change" ? "primary" : "default"} aria-pressed={draft.sketch === "change"}
            onClick={() => change({ sketch: draft.sketch === "change" ? "off" : "change" })}>{t("edit.geometryStart")}</Button>
        )}
        <Button icon={draft.geometry && multi ? <PlusOutlined /> : <EditOutlined />} type={draft.sketch === "draw" ? "primary" : "default"}
          aria-pressed={draft.sketch === "draw"} onClick={() => change({ sketch: draft.sketch === "draw" ? "off" : "draw" })}>
          {t(!draft.geometry ? "edit.geometryDraw" : multi ? "edit.geometryAdd" : "edit.geometryAgain")}
        </Button>
        <Button icon={<UndoOutlined />} disabled={draft.past.length === 0 && !drawing} onClick={undoGeometry}
          aria-label={t("edit.geometryUndo")} title={`${t("edit.geometryUndo")} (Ctrl+Z)`} />
        <Button icon={<RedoIcon />} disabled={draft.future.length === 0 && !drawing} onClick={redoGeometry}
          aria-label={t("edit.redo")} title={`${t("edit.redo")} (Ctrl+Shift+Z)`} />
        {draft.base && (
          <Button icon={<RollbackOutlined />} disabled={!touched} onClick={() => setGeometry(draft.base?.geometry ?? null)}
            aria-label={t("edit.geometryRestore")} title={t("edit.geometryRestore")} />
        )}
      </div>
      <Operations draft={draft} />
      {hint && <p className="form-note" role="status">{t(hint)}</p>}
    </section>
  );
}
