import { AimOutlined, CaretDownFilled, CaretUpFilled, CloseOutlined, DownOutlined, ExclamationCircleFilled, RightOutlined } from "../icons";
import Slider from "antd/es/slider";
import { useState } from "react";
import { Problem } from "../api/http";
import { type OutsideLayer, outsideLegend } from "../api/outside";
import { Tick } from "../panels/Tick";
import { dropOutside, moveOutside, saidOf, useOutside } from "../state/outside";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

/** The legend that the service draws; it may have none after all. */
function Legend({ layer }: { layer: OutsideLayer }) {
  const { t } = useWords();
  const [none, setNone] = useState(!layer.legend);
  if (none) return <p className="layer-hint">{t("outside.noLegend")}</p>;
  return <img className="outside-legend" src={outsideLegend(layer.id)} alt={t("outside.legend", { layer: layer.title })} onError={() => setNone(true)} />;
}

function More({ layer }: { layer: OutsideLayer }) {
  const { t } = useWords();
  const opacity = useView((view) => view.layers.opacity[layer.id]) ?? 1;
  const percent = Math.round(opacity * 100);
  const set = (value: number) => useView.getState().setOpacity(layer.id, Math.min(100, Math.max(0, value)) / 100);
  return (
    <div className="layer-more">
      <div className="layer-opacity">
        <Slider min={0} max={100} value={percent} tooltip={{ open: false }} ariaLabelForHandle={t("layers.opacity", { layer: layer.title })} onChange={set} />
        <input type="number" min={0} max={100} value={percent} aria-label={t("layers.opacityPercent", { layer: layer.title })}
          onChange={(event) => set(Number(event.target.value) || 0)} /><span>%</span>
      </div>
      <p className="outside-about">
        {[layer.service, layer.origin, layer.time && t("outside.time.is", { time: layer.time }), layer.warped && t("outside.warped")].filter(Boolean).join(" · ")}
      </p>
      {layer.form === "pictures" && <Legend layer={layer} />}
    </div>
  );
}

/** One layer of another service: shown or not, where in the order, how strongly, and what is the matter with it. */
export default function OutsideRow({ id, layer, error, first, last }: { id: string; layer: OutsideLayer | undefined; error: unknown; first: boolean; last: boolean }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const shown = useView((view) => view.layers.shown[id]) ?? true;
  const fault = useOutside((outside) => outside.faults[id]);
  const partial = useOutside((outside) => outside.partial[id]) ?? false;
  const title = layer?.title ?? "…";
  const said = error ? (error instanceof Problem && error.status === 404 ? t("outside.hidden") : saidOf(error))
    : layer && !layer.allowed ? t("outside.gone", { origin: layer.origin }) : fault ?? "";
  return (
    <li className="layer-row" data-shown={shown} data-outside={id} data-fault={said !== ""}>
      <div className="layer-line">
        <button type="button" className="quiet" aria-expanded={open} aria-label={t("outside.details", { layer: title })} disabled={!layer} onClick={() => setOpen(!open)}>
          {open ? <DownOutlined /> : <RightOutlined />}
        </button>
        <Tick checked={shown} label={t("layers.visible", { layer: title })} disabled={!layer?.allowed}
          change={(checked) => useView.getState().show([id], checked)} />
        <span className="layer-title" title={layer ? `${title} · ${layer.service}` : title}>{title}</span>
        <button type="button" className="quiet" aria-label={t("outside.up", { layer: title })} title={t("outside.up", { layer: title })} disabled={first}
          onClick={() => moveOutside(id, -1)}><CaretUpFilled /></button>
        <button type="button" className="quiet" aria-label={t("outside.down", { layer: title })} title={t("outside.down", { layer: title })} disabled={last}
          onClick={() => moveOutside(id, 1)}><CaretDownFilled /></button>
        {layer?.extent && (
          <button type="button" className="quiet" aria-label={t("outside.zoom", { layer: title })} title={t("outside.zoom", { layer: title })}
            onClick={() => useView.getState().fly({ bounds: layer.extent! })}><AimOutlined /></button>
        )}
        <button type="button" className="quiet" aria-label={t("outside.remove", { layer: title })} title={t("outside.remove", { layer: title })}
          onClick={() => dropOutside(id)}><CloseOutlined /></button>
      </div>
      {said && <p className="outside-fault" role="status"><ExclamationCircleFilled /> {said}</p>}
      {!said && partial && shown && <p className="layer-hint">{t("outside.partial")}</p>}
      {open && layer && <More layer={layer} />}
    </li>
  );
}
