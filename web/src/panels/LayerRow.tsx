import { DownOutlined, FilterFilled, PlusOutlined, RightOutlined, TableOutlined } from "../icons";
import Checkbox from "antd/es/checkbox";
import Slider from "antd/es/slider";
import { useState } from "react";
import type { Layer } from "../api/types";
import { today } from "../format/instant";
import { pick } from "../format/text";
import { useDraft } from "../state/draft";
import { shownByDefault } from "../state/layers";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import { Legend, Swatch } from "./Legend";

/** One layer: shown or not, how strongly, its legend, its table. */
export function LayerRow({ layer }: { layer: Layer }) {
  const { t, language } = useWords();
  const [open, setOpen] = useState(false);
  const shown = useView((view) => view.layers.shown[layer.id]) ?? shownByDefault(layer);
  const opacity = useView((view) => view.layers.opacity[layer.id]) ?? 1;
  const filtered = useView((view) => (view.filters[layer.id]?.length ?? 0) > 0);
  const day = useView((view) => view.time.day);
  const tooFar = useView((view) => (view.camera?.zoom ?? 0) < (layer.symbology?.min_zoom ?? 0));
  const { show, setOpacity, openTable } = useView.getState();
  const title = pick(layer.title, language);
  const drawable = layer.kind === "spatial";
  const hint = drawable && shown && tooFar ? t("layers.zoomHint", { zoom: layer.symbology?.min_zoom ?? 0 }) : "";
  return (
    <li role="treeitem" aria-expanded={drawable ? open : undefined} className="layer-row" data-table={!drawable} data-shown={shown && drawable} data-far={hint !== ""}>
      <div className="layer-line">
        {drawable ? (
          <>
            <button type="button" className="quiet" aria-label={t("layers.legend", { layer: title })} onClick={() => setOpen(!open)}>
              {open ? <DownOutlined /> : <RightOutlined />}
            </button>
            <Checkbox checked={shown} aria-label={t("layers.visible", { layer: title })}
              onChange={(event) => show([layer.id], event.target.checked)} />
            <Swatch layer={layer} />
          </>
        ) : <span className="layer-indent" />}
        <span className="layer-title" title={pick(layer.description, language) || title}
          onClick={() => (drawable ? show([layer.id], !shown) : openTable(layer.id))}>{title}</span>
        {filtered && <FilterFilled className="layer-filtered" title={t("layers.filtered")} />}
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
        <div className="layer-more">
          <Slider min={0} max={100} value={Math.round(opacity * 100)} tooltip={{ formatter: (value) => `${value}%` }}
            ariaLabelForHandle={t("layers.opacity", { layer: title })} onChange={(value) => setOpacity(layer.id, value / 100)} />
          <Legend layer={layer} />
        </div>
      )}
    </li>
  );
}
