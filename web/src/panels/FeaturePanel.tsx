import {
  AimOutlined, CaretRightOutlined, CloseOutlined, DeleteOutlined, EditOutlined, LeftOutlined, LinkOutlined, RightOutlined, TableOutlined,
} from "../icons";
import Button from "antd/es/button";
import { lazy, Suspense, useEffect, useState } from "react";
import { Problem } from "../api/http";
import type { Item, Layer } from "../api/types";
import { boundsOf } from "../format/geometry";
import { formatMoment, today } from "../format/instant";
import { pick } from "../format/text";
import { labelOf } from "../format/label";
import { watch } from "../state/construction";
import { useDraft } from "../state/draft";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { useItem, useLayer, useLayers, useTimeZone, useShownDay } from "../state/queries";
import { flushAddress, type Ref, sameRef, useView } from "../state/view";
import { FieldList } from "./FieldList";
import { Lost, LostPanel } from "./Lost";
import { Empty, Failure, Loading, WaysOn } from "./PanelState";
import { Related } from "./Related";

const SelectionActions = lazy(() => import("./edit/SelectionActions"));
const VersionList = lazy(() => import("./VersionList"));

type Tab = "fields" | "related" | "history";

function Here({ current }: { current: Ref }) {
  const { t, language } = useWords();
  const here = useView((view) => view.here);
  const layers = useLayers();
  if (here.length < 2 || !here.some((hit) => sameRef(hit, current))) return null;
  return (
    <div className="here" role="group" aria-label={t("map.several", { count: here.length })}>
      {here.map((hit) => (
        <button key={`${hit.layer}.${hit.fid}`} type="button" aria-pressed={sameRef(hit, current)}
          onClick={() => useView.getState().select([{ layer: hit.layer, fid: hit.fid }])}>
          {pick(layers.find((layer) => layer.id === hit.layer)?.title, language)}{hit.label && <small>{hit.label}</small>}
        </button>
      ))}
    </div>
  );
}

function Validity({ item }: { item: Item }) {
  const { t } = useWords();
  const zone = useTimeZone();
  const from = item.properties.valid_from as string | null | undefined;
  const to = item.properties.valid_to as string | null | undefined;
  if (!from && !to) return null;
  return (
    <p className="validity">
      {t("feature.valid")}
      <strong>
        {from && t("feature.since", { from: formatMoment(from, zone) })}
        {to && ` ${t("feature.until", { to: formatMoment(to, zone) })}`}
      </strong>
    </p>
  );
}

function Actions({ layer, item }: { layer: Layer; item: Item }) {
  const { t } = useWords();
  const knownAt = useView((view) => view.time.knownAt);
  const day = useShownDay();
  const bounds = boundsOf([item.geometry]);
  const begin = (op: "edit" | "retire") => {
    // A mark is drawn again from its control points; it may as well be one that was imported, and then it has none.
    if (op === "edit" && layer.id === "annotation" && item.properties.shape) {
      void import("../state/plot").then(({ usePlot }) => usePlot.getState().load([item]));
      return useView.getState().setTool("plot");
    }
    return useDraft.getState().begin(op, layer, today(), item);
  };
  const copy = async () => {
    flushAddress();
    await navigator.clipboard?.writeText(window.location.href);
    useNotices.getState().tell({ kind: "done", text: t("feature.copied") }, 3);
  };
  const grow = () => {
    watch([item.id]);
    // The map tilts, so that one sees how high it stands; the scene is as it is.
    if (bounds) useView.getState().fly(useView.getState().scene ? { bounds } : { bounds, bearing: -20, pitch: 50 });
    // Where there is room for one card, it is that of the works.
    if (window.matchMedia("(max-width: 1150px)").matches) useView.getState().select([]);
  };
  const elsewhere = day !== null || knownAt !== null;
  return (
    <div className="feature-actions">
      {bounds && <Button icon={<AimOutlined />} onClick={() => useView.getState().fly({ bounds })}>{t("feature.zoom")}</Button>}
      <Button icon={<TableOutlined />} title={t("feature.inTable")} aria-label={t("feature.inTable")}
        onClick={() => useView.getState().openTable(layer.id)} />
      <Button icon={<LinkOutlined />} title={t("feature.copyLink")} aria-label={t("feature.copyLink")} onClick={() => void copy()} />
      {layer.id === "project" && <Button icon={<CaretRightOutlined />} title={t("grow.watch")} onClick={() => grow()}>{t("grow.watch")}</Button>}
      <span className="spring" />
      {layer.edit && (
        <>
          <Button type="primary" ghost icon={<EditOutlined />} disabled={elsewhere} title={elsewhere ? t("time.readonly") : undefined}
            onClick={() => begin("edit")}>{t("feature.edit")}</Button>
          <Button danger icon={<DeleteOutlined />} disabled={elsewhere} title={elsewhere ? t("time.readonly") : t("feature.retire")}
            aria-label={t("feature.retire")} onClick={() => begin("retire")} />
        </>
      )}
    </div>
  );
}

function Body({ layer, current }: { layer: Layer; current: Ref }) {
  const { t } = useWords();
  const item = useItem(current);
  const [tab, setTab] = useState<Tab>("fields");
  const day = useShownDay();
  const status = item.error instanceof Problem ? item.error.status : 0;
  // On another day it may well be there; today nobody can say more than this.
  const lost = status === 404 && day === null;
  const gone = status === 404 || status === 410;
  // A feature that is not there today still has a history to show.
  useEffect(() => {
    if (gone && !lost) setTab("history");
  }, [gone, lost]);
  return (
    <>
      {item.data && <Validity item={item.data} />}
      {item.data && <Actions layer={layer} item={item.data} />}
      <div className="tabs" role="tablist">
        {(["fields", "related", "history"] as const).map((name) => (
          <button key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={tab === name} aria-controls="feature-tab"
            onClick={() => setTab(name)}>{t(`feature.${name}`)}</button>
        ))}
      </div>
      <div className="panel-body" role="tabpanel" id="feature-tab" aria-labelledby={`tab-${tab}`}>
        {tab === "fields" && (
          item.isPending ? <Loading rows={8} />
            : lost ? <Lost />
            : gone ? <Empty title={t("feature.gone")} hint={t("feature.goneHint")}><WaysOn /></Empty>
              : item.isError ? <Failure error={item.error} retry={() => void item.refetch()} />
                : <FieldList layer={layer} item={item.data} />
        )}
        {tab === "related" && <Related layer={layer} current={current} item={item.data} />}
        {tab === "history" && <Suspense fallback={<Loading />}><VersionList layer={layer} current={current} /></Suspense>}
      </div>
    </>
  );
}

/** All about the feature in focus. */
export default function FeaturePanel() {
  const { t, language } = useWords();
  const selection = useView((view) => view.selection);
  const focus = useView((view) => view.focus);
  const current = selection[focus];
  const layer = useLayer(current?.layer);
  const item = useItem(current);
  const knownAt = useView((view) => view.time.knownAt);
  const asOf = useView((view) => view.asOf);
  const elsewhere = useShownDay() !== null || knownAt !== null;
  const { setFocus, select } = useView.getState();
  const hasLayers = useLayers().length > 0;
  if (!current || (!layer && !hasLayers)) return null;
  if (!layer) return <LostPanel fid={current.fid} />;
  return (
    <aside className="panel feature" data-covers="right" aria-label={t("feature.title")}>
      <header className="panel-head">
        <div className="feature-head">
          <span className="feature-layer">{pick(layer.title, language)}{asOf !== undefined && ` · ${t("compare.asOf", { day: asOf ?? t("time.today") })}`}</span>
          <h2>{item.data ? labelOf(layer, item.data, language) : `#${current.fid}`}</h2>
        </div>
        {selection.length > 1 && (
          <div className="pager">
            <button type="button" className="quiet" aria-label={t("feature.previous")} disabled={focus === 0} onClick={() => setFocus(focus - 1)}><LeftOutlined /></button>
            <span>{t("feature.of", { index: focus + 1, count: selection.length })}</span>
            <button type="button" className="quiet" aria-label={t("feature.next")} disabled={focus >= selection.length - 1} onClick={() => setFocus(focus + 1)}><RightOutlined /></button>
          </div>
        )}
        <button type="button" className="quiet" aria-label={t("common.close")} onClick={() => select([])}><CloseOutlined /></button>
      </header>
      <Here current={current} />
      {selection.length > 1 && layer.edit && !elsewhere && (
        <Suspense fallback={<Loading rows={1} />}><SelectionActions layer={layer} selection={selection} /></Suspense>
      )}
      <Body key={`${current.layer}.${current.fid}`} layer={layer} current={current} />
    </aside>
  );
}
