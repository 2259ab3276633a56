import { EditOutlined, PlusOutlined, RollbackOutlined, UndoOutlined } from "../../icons";
import Button from "antd/es/button";
import InputNumber from "antd/es/input-number";
import type { Point } from "geojson";
import { shapeOf } from "../../format/parts";
import { type Draft, geometryChanged, useDraft } from "../../state/draft";
import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";

const HINTS = { point: "edit.drawPoint", linestring: "edit.drawLine", polygon: "edit.drawPolygon" } as const;

/** Coordinates by keyboard, for who cannot or need not point. */
function Coordinates({ draft }: { draft: Draft }) {
  const { t } = useWords();
  const [lon, lat] = (draft.geometry as Point | null)?.coordinates ?? [];
  const put = (x: number | null, y: number | null) => {
    if (x === null || y === null) return;
    useDraft.getState().setGeometry({ type: "Point", coordinates: [x, y] });
    useView.getState().fly({ center: [x, y] });
  };
  const center = useView((view) => view.camera);
  return (
    <div className="coordinates">
      <span>{t("edit.coordinates")}</span>
      <InputNumber aria-label={`${t("edit.coordinates")} 1`} min={-180} max={180} step={0.00001} value={lon ?? null}
        onChange={(value) => put(value, lat ?? center?.lat ?? null)} />
      <InputNumber aria-label={`${t("edit.coordinates")} 2`} min={-85} max={85} step={0.00001} value={lat ?? null}
        onChange={(value) => put(lon ?? center?.lon ?? null, value)} />
    </div>
  );
}

/** What can be done with the geometry of the draft. */
export function GeometryTools({ draft }: { draft: Draft }) {
  const { t } = useWords();
  const { change, undoGeometry, setGeometry } = useDraft.getState();
  const type = draft.layer.geometry ?? "Geometry";
  const shape = shapeOf(type);
  const multi = type.startsWith("Multi") || type === "Geometry";
  const touched = geometryChanged(draft);
  const hint = draft.sketch === "draw" ? HINTS[shape] : "edit.geometryHint";
  return (
    <section className="geometry-tools" aria-label={t("edit.geometry")}>
      <h3>{t("edit.geometry")}{touched && draft.op === "edit" && <em>{t("edit.geometryChanged")}</em>}</h3>
      <div className="geometry-buttons">
        {draft.geometry && (
          <Button icon={<EditOutlined />} type={draft.sketch === "change" ? "primary" : "default"}
            onClick={() => change({ sketch: draft.sketch === "change" ? "off" : "change" })}>{t("edit.geometryStart")}</Button>
        )}
        <Button icon={draft.geometry && multi ? <PlusOutlined /> : <EditOutlined />} type={draft.sketch === "draw" ? "primary" : "default"}
          onClick={() => change({ sketch: draft.sketch === "draw" ? "off" : "draw" })}>
          {t(!draft.geometry ? "edit.geometryDraw" : multi ? "edit.geometryAdd" : "edit.geometryAgain")}
        </Button>
        <Button icon={<UndoOutlined />} disabled={draft.geometryPast.length === 0} onClick={undoGeometry}
          aria-label={t("edit.geometryUndo")} title={t("edit.geometryUndo")} />
        {draft.base && (
          <Button icon={<RollbackOutlined />} disabled={!touched} onClick={() => setGeometry(draft.base?.geometry ?? null)}
            aria-label={t("edit.geometryRestore")} title={t("edit.geometryRestore")} />
        )}
      </div>
      {type === "Point" && <Coordinates draft={draft} />}
      {draft.sketch !== "off" && <p className="form-note">{t(hint)}</p>}
    </section>
  );
}
