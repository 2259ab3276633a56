import { AimOutlined, CaretDownFilled, CaretUpFilled, CloseOutlined, DownOutlined, ExclamationCircleFilled, GlobalOutlined, PlusOutlined, RightOutlined } from "../icons";
import Checkbox from "antd/es/checkbox";
import Slider from "antd/es/slider";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Problem } from "../api/http";
import { type OutsideLayer, outsideLegend } from "../api/outside";
import { CITY, dropOutside, moveOutside, orderOf, saidOf, useOutside, useOutsideLayers } from "../state/outside";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import "../styles/outside.css";

const AddDialog = lazy(() => import("./AddDialog"));

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

function Row({ id, layer, error, first, last }: { id: string; layer: OutsideLayer | undefined; error: unknown; first: boolean; last: boolean }) {
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
        <Checkbox checked={shown} aria-label={t("layers.visible", { layer: title })} disabled={!layer?.allowed}
          onChange={(event) => useView.getState().show([id], event.target.checked)} />
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

/** The layers of other services in the view, and the way to more of them. */
export function OutsideGroup() {
  const { t } = useWords();
  const read = useOutsideLayers();
  const order = orderOf(useView((view) => view.work.outside));
  const adding = useOutside((outside) => outside.adding);
  const group = useRef<HTMLElement>(null);
  const before = useRef(order.length);
  useEffect(() => {
    // What was just added is at the end of a long tree.
    if (order.length > before.current) group.current?.scrollIntoView({ block: "nearest" });
    before.current = order.length;
  }, [order.length]);
  return (
    <section ref={group} className="outside-group" aria-label={t("outside.title")}>
      {order.length > 0 && <h3>{t("outside.title")}</h3>}
      {order.length > 0 && (
        <ul className="outside-list">
          {order.map((id, index) => {
            if (id === CITY) return <li key={id} className="outside-city">{t("outside.city")}</li>;
            const found = read.find((each) => each.id === id);
            return <Row key={id} id={id} layer={found?.layer} error={found?.error} first={index === 0} last={index === order.length - 1} />;
          })}
        </ul>
      )}
      <button type="button" className="link-button outside-add" onClick={() => useOutside.setState({ adding: true })}>
        {order.length > 0 ? <PlusOutlined /> : <GlobalOutlined />} {t("outside.add")}
      </button>
      {adding && <Suspense fallback={null}><AddDialog /></Suspense>}
    </section>
  );
}
