import { DownOutlined, RightOutlined } from "../icons";
import Checkbox from "antd/es/checkbox";
import { useState } from "react";
import type { Layer } from "../api/types";
import { pick } from "../format/text";
import { shownByDefault } from "../state/layers";
import { useWords } from "../state/preferences";
import { useConfig } from "../state/queries";
import { useView } from "../state/view";
import { LayerRow } from "./LayerRow";
import { Empty, Failure, Loading } from "./PanelState";

function orderOf(layer: Layer): number {
  return layer.kind === "table" ? 1000 : -(layer.symbology?.order ?? 50);
}

function Group({ title, layers }: { title: string; layers: Layer[] }) {
  const { t } = useWords();
  const [open, setOpen] = useState(true);
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
          <Checkbox aria-label={t("layers.group", { group: title })} checked={visible.length === drawable.length}
            indeterminate={visible.length > 0 && visible.length < drawable.length}
            onChange={(event) => useView.getState().show(drawable.map((layer) => layer.id), event.target.checked)} />
        )}
        <span className="layer-group-title" onClick={() => setOpen(!open)} aria-hidden="true">{title}</span>
        <span className="layer-group-count">{drawable.length > 0 ? `${visible.length}/${drawable.length}` : ""}</span>
      </div>
      {open && <ul role="group">{layers.map((layer) => <LayerRow key={layer.id} layer={layer} />)}</ul>}
    </li>
  );
}

function Tree() {
  const { t, language } = useWords();
  const config = useConfig();
  if (config.isPending) return <Loading rows={9} />;
  if (config.isError) return <Failure error={config.error} retry={() => void config.refetch()} />;
  const listed = config.data.layers.filter((layer) => layer.kind === "spatial" || layer.kind === "table");
  if (listed.length === 0) return <Empty title={t("layers.empty")} />;
  const names = [...new Set(listed.map((layer) => layer.group))];
  const known = Object.keys(config.data.groups);
  names.sort((a, b) => (known.indexOf(a) + 1 || 99) - (known.indexOf(b) + 1 || 99));
  return (
    <ul role="tree" aria-label={t("layers.title")} className="layer-tree">
      {names.map((name) => (
        <Group key={name} title={pick(config.data.groups[name], language) || t("layers.other")}
          layers={listed.filter((layer) => layer.group === name).sort((a, b) => orderOf(a) - orderOf(b))} />
      ))}
    </ul>
  );
}

/** The layers of the city: what is on the map, how strongly, and what its colours mean. */
export function LayersPage() {
  return <Tree />;
}
