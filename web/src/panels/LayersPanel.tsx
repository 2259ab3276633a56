import { AimOutlined, CloseCircleFilled, DownOutlined, RightOutlined, SearchOutlined } from "../icons";
import { type ReactNode, useState } from "react";
import type { Layer } from "../api/types";
import { pick } from "../format/text";
import { later } from "../later";
import { useCatalogue } from "../state/catalogue";
import { answersTo, shownByDefault, topDown } from "../state/layers";
import { useWords } from "../state/preferences";
import { useConfig } from "../state/queries";
import { useView } from "../state/view";
import { LayerRow } from "./LayerRow";
import { Empty, Failure, Loading } from "./PanelState";
import { Tick } from "./Tick";

const ObjectsInView = later(() => import("./ObjectsInView"), <Loading rows={4} />);

function Group({ title, layers, found }: { title: string; layers: Layer[]; found: boolean }) {
  const { t } = useWords();
  const [wished, setOpen] = useState(true);
  const open = wished || found;
  const shown = useView((view) => view.layers.shown);
  const drawable = layers.filter((layer) => layer.kind === "spatial");
  const visible = drawable.filter((layer) => shown[layer.id] ?? shownByDefault(layer));
  return (
    <li role="treeitem" aria-expanded={open} className="layer-group">
      <div className="layer-group-head">
        <button type="button" className="quiet" aria-label={title} onClick={() => setOpen(!open)}>
          {open ? <DownOutlined /> : <RightOutlined />}
        </button>
        {drawable.length > 0 && (
          <Tick label={t("layers.group", { group: title })} checked={visible.length === drawable.length}
            indeterminate={visible.length > 0 && visible.length < drawable.length}
            change={(checked) => useView.getState().show(drawable.map((layer) => layer.id), checked)} />
        )}
        <span className="layer-group-title" onClick={() => setOpen(!open)} aria-hidden="true">{title}</span>
        <span className="layer-group-count">{drawable.length > 0 ? `${visible.length}/${drawable.length}` : ""}</span>
      </div>
      {open && (
        <ul role="group">
          {layers.map((layer, index) => <LayerRow key={layer.id} layer={layer} above={layers[index - 1]} below={layers[index + 1]} />)}
        </ul>
      )}
    </li>
  );
}

/** The layers of the city: what is on the map, in which order, how strongly, and what its colours mean; `below` follows the tree. */
export function LayersPage({ below }: { below?: ReactNode }) {
  const { t, language } = useWords();
  const config = useConfig();
  const order = useView((view) => view.work.order);
  const [text, setText] = useState("");
  const [inView, setInView] = useState(false);
  const found = useCatalogue(text, inView);
  const [listing, setListing] = useState(false);
  if (config.isPending) return <Loading rows={9} />;
  if (config.isError) return <Failure error={config.error} retry={() => void config.refetch()} />;
  const { groups } = config.data;
  const all = config.data.layers.filter((layer) => layer.kind === "spatial" || layer.kind === "table");
  if (all.length === 0) return <Empty title={t("layers.empty")} />;
  const ranks = new Map(topDown(all, order).map((layer, index) => [layer.id, index]));
  const listed = all.filter((layer) => (answersTo(layer, groups[layer.group], text) || found.words?.has(layer.id)) && (!found.here || found.here.has(layer.id)))
    .sort((a, b) => (ranks.get(a.id) ?? 1000) - (ranks.get(b.id) ?? 1000));
  const names = [...new Set(listed.map((layer) => layer.group))];
  const known = Object.keys(groups);
  names.sort((a, b) => (known.indexOf(a) + 1 || 99) - (known.indexOf(b) + 1 || 99));
  return (
    <>
      <div className="layer-search">
        <SearchOutlined />
        <input type="search" aria-label={t("layers.search")} placeholder={t("layers.search")} value={text} onChange={(event) => setText(event.target.value)} />
        {text && <button type="button" className="quiet" aria-label={t("common.clear")} onClick={() => setText("")}><CloseCircleFilled /></button>}
        <button type="button" className="quiet" aria-pressed={inView} aria-label={t("layers.onlyInView")} title={t("layers.onlyInView")} onClick={() => setInView(!inView)}>
          <AimOutlined />
        </button>
        <span className="visually-hidden" role="status">{text || inView ? t("layers.found", { count: listed.length }) : ""}</span>
      </div>
      {listed.length === 0 ? <Empty title={inView ? t("layers.notInView") : t("layers.notFound", { text })} hint={inView ? undefined : t("layers.notFoundHint")} /> : (
        <ul role="tree" aria-label={t("layers.title")} className="layer-tree">
          {names.map((name) => (
            <Group key={name} title={pick(groups[name], language) || t("layers.other")} found={text !== ""} layers={listed.filter((layer) => layer.group === name)} />
          ))}
        </ul>
      )}
      {below}
      <div className="objects-head">
        <button type="button" className="link-button" aria-expanded={listing} onClick={() => setListing(!listing)}>{t("objects.title")}</button>
      </div>
      {listing && <ObjectsInView />}
    </>
  );
}
