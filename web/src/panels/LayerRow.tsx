import { DownOutlined, FilterFilled, HolderOutlined, PlusOutlined, RightOutlined, TableOutlined } from "../icons";
import { type DragEvent, type KeyboardEvent, useState } from "react";
import type { Layer } from "../api/types";
import { today } from "../format/instant";
import { pick } from "../format/text";
import { later } from "../later";
import { useDraft } from "../state/draft";
import { moved, shownByDefault } from "../state/layers";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { styledAs } from "../state/styles";
import { useView } from "../state/view";
import { Loading } from "./PanelState";
import { Swatch } from "./Swatch";
import { Tick } from "./Tick";

const LayerMore = later(() => import("./LayerMore"), <Loading rows={3} />);

const DRAGGED = "text/x-layer";

/** Put a layer before or after another on the map. */
function usePut(): (id: string, target: string, after: boolean) => void {
  const layers = useLayers();
  return (id, target, after) => {
    const { work, setWork } = useView.getState();
    setWork({ order: moved(layers, work.order, id, target, after) });
  };
}

/** The grip of a row: drag it, or move the layer with the arrow keys. */
function Grip({ layer, title, above, below }: { layer: Layer; title: string; above?: Layer; below?: Layer }) {
  const { t } = useWords();
  const put = usePut();
  const press = (event: KeyboardEvent) => {
    const target = event.key === "ArrowUp" ? above : event.key === "ArrowDown" ? below : undefined;
    if (!target || target.kind !== "spatial") return;
    event.preventDefault();
    put(layer.id, target.id, event.key === "ArrowDown");
    // The row moves in the document, and what moves may lose the focus.
    const grip = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => grip.focus());
  };
  return (
    <button type="button" className="quiet layer-grip" draggable aria-label={t("layers.move", { layer: title })} title={t("layers.moveHint")} onKeyDown={press}
      onDragStart={(event) => { event.dataTransfer.setData(DRAGGED, layer.id); event.dataTransfer.effectAllowed = "move"; }}>
      <HolderOutlined />
    </button>
  );
}

/** One layer: shown or not, where in the order, how strongly, its legend, its table. */
export function LayerRow({ layer, above, below }: { layer: Layer; above?: Layer; below?: Layer }) {
  const { t, language } = useWords();
  const [open, setOpen] = useState(false);
  const [over, setOver] = useState<"above" | "below" | null>(null);
  const put = usePut();
  const shown = useView((view) => view.layers.shown[layer.id]) ?? shownByDefault(layer);
  const filtered = useView((view) => (view.filters[layer.id]?.length ?? 0) > 0);
  const day = useView((view) => view.time.day);
  const tooFar = useView((view) => (view.camera?.zoom ?? 0) < (layer.symbology?.cells ? 0 : layer.symbology?.min_zoom ?? 0));
  const { show, openTable } = useView.getState();
  const styles = useView((view) => view.work.styles);
  const drawn = styledAs(layer, styles);
  const title = pick(layer.title, language);
  const drawable = layer.kind === "spatial";
  const hint = drawable && shown && tooFar ? t("layers.zoomHint", { zoom: layer.symbology?.min_zoom ?? 0 }) : "";
  const half = (event: DragEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return event.clientY > box.top + box.height / 2 ? "below" : "above";
  };
  const drag = drawable ? {
    onDragOver: (event: DragEvent<HTMLElement>) => {
      if (!event.dataTransfer.types.includes(DRAGGED)) return;
      event.preventDefault();
      setOver(half(event));
    },
    onDragLeave: () => setOver(null),
    onDrop: (event: DragEvent<HTMLElement>) => {
      event.preventDefault();
      setOver(null);
      const id = event.dataTransfer.getData(DRAGGED);
      if (id && id !== layer.id) put(id, layer.id, half(event) === "below");
    },
  } : {};
  return (
    <li role="treeitem" aria-expanded={drawable ? open : undefined} className="layer-row" data-table={!drawable} data-shown={shown && drawable} data-far={hint !== ""} data-layer={layer.id}>
      <div className="layer-line" data-over={over ?? undefined} {...drag}>
        {drawable ? (
          <>
            <button type="button" className="quiet" aria-label={t("layers.legend", { layer: title })} onClick={() => setOpen(!open)}>
              {open ? <DownOutlined /> : <RightOutlined />}
            </button>
            <Tick checked={shown} label={t("layers.visible", { layer: title })} change={(checked) => show([layer.id], checked)} />
            <Swatch layer={drawn} />
          </>
        ) : <span className="layer-indent" />}
        <span className="layer-title" title={pick(layer.description, language) || title}
          onClick={() => (drawable ? show([layer.id], !shown) : openTable(layer.id))}>{title}</span>
        {filtered && <FilterFilled className="layer-filtered" title={t("layers.filtered")} />}
        {drawable && <Grip layer={layer} title={title} above={above} below={below} />}
        {layer.edit && !day && drawable && (
          <button type="button" className="quiet on-hover" aria-label={`${t("layers.new")} · ${title}`} title={t("layers.new")}
            onClick={() => { show([layer.id], true); useDraft.getState().begin("create", layer, today()); }}>
            <PlusOutlined />
          </button>
        )}
        <button type="button" className="quiet" aria-label={t("layers.table", { layer: title })} title={t("layers.table", { layer: title })}
          onClick={() => openTable(layer.id)}>
          <TableOutlined />
        </button>
      </div>
      {hint && <p className="layer-hint">{hint}</p>}
      {open && drawable && (
        <LayerMore layer={layer} drawn={drawn} />
      )}
    </li>
  );
}
