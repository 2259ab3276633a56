import { AimOutlined, CloseOutlined, FilterOutlined, SettingOutlined } from "../../icons";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Popover from "antd/es/popover";
import Select from "antd/es/select";
import Switch from "antd/es/switch";
import { useMemo, useState } from "react";
import { readByIds } from "../../api/items";
import type { Layer, LayerField } from "../../api/types";
import { boundsOf } from "../../format/geometry";
import { pick } from "../../format/text";
import { formatNumber } from "../../format/value";
import { useWords } from "../../state/preferences";
import { useConfig, useCount, useLayer, useLayers, useQuestion, useWhen } from "../../state/queries";
import { useSession } from "../../state/session";
import { useView } from "../../state/view";
import { ChosenLine } from "../ChosenLine";
import { Empty, Loading, WaysOn } from "../PanelState";
import { Dock } from "./Dock";
import { ExportButton } from "./ExportButton";
import { Grid } from "./Grid";
import { useInView } from "./useInView";

const FIRST_COLUMNS = 14;

/** The columns of a layer: all but what is personal, long or empty by nature; the reader may choose others. */
function useColumns(layer: Layer | undefined): [LayerField[], string[], (names: string[]) => void] {
  const offered = useMemo(() => (layer?.fields ?? []).filter((field) => !field.personal && field.type !== "json"), [layer]);
  const [chosen, setChosen] = useState<Record<string, string[]>>({});
  const first = offered.filter((field) => field.type !== "codes").slice(0, FIRST_COLUMNS).map((field) => field.name);
  const names = (layer && chosen[layer.id]) ?? first;
  return [offered, names, (next) => layer && setChosen({ ...chosen, [layer.id]: next })];
}

function Columns({ offered, names, choose }: { offered: LayerField[]; names: string[]; choose: (names: string[]) => void }) {
  const { t, language } = useWords();
  const list = (
    <Checkbox.Group className="columns" value={names}
      onChange={(next) => choose(offered.map((field) => field.name).filter((name) => (next as string[]).includes(name)))}
      options={offered.map((field) => ({ value: field.name, label: pick(field.title, language) }))} />
  );
  return (
    <Popover trigger="click" placement="topRight" content={list}>
      <Button icon={<SettingOutlined />} aria-label={t("table.columns")} title={t("table.columns")} />
    </Popover>
  );
}

/** Zoom to the selected features of the layer: their geometries are asked for only now. */
function ZoomToSelection({ layer, fids }: { layer: Layer; fids: number[] }) {
  const { t } = useWords();
  const when = useWhen();
  const zoom = async () => {
    const items = await readByIds(layer.id, fids.slice(0, 200), when);
    const bounds = boundsOf(items.map((item) => item.geometry));
    if (bounds) useView.getState().fly({ bounds });
  };
  return <Button icon={<AimOutlined />} onClick={() => void zoom()}>{t("table.zoom")}</Button>;
}

function Toolbar({ layer, columns }: { layer: Layer; columns: ReturnType<typeof useColumns> }) {
  const { t, language } = useWords();
  const layers = useLayers();
  const bounds = useView((view) => view.bounds);
  const inView = useInView(layer);
  const conditions = useView((view) => view.filters[layer.id]);
  const spanned = useView((view) => view.time.day !== null && view.time.until !== null);
  const selection = useView((view) => view.selection);
  const { openTable, setInView, setFilter, select } = useView.getState();
  const spatial = layer.kind === "spatial";
  const question = useQuestion(layer, inView ? bounds : null);
  const count = useCount(question);
  const fids = selection.filter((ref) => ref.layer === layer.id).map((ref) => ref.fid);
  const [offered, names, choose] = columns;
  const mayExport = useSession((session) => session.account?.capabilities.includes("export") ?? false);
  return (
    <header className="table-bar">
      <Select aria-label={t("table.choose")} size="middle" variant="borderless" popupMatchSelectWidth={false} value={layer.id}
        onChange={openTable} showSearch={{ optionFilterProp: "label" }}
        options={layers.filter((other) => other.kind !== "coverage").map((other) => ({ value: other.id, label: pick(other.title, language) }))} />
      <span className="table-count" role="status">
        {count.data === undefined ? "…" : t(spanned ? "table.versions" : "table.count", { count: formatNumber(count.data, language) })}
      </span>
      {spatial && (
        <label className="table-switch">
          <Switch checked={inView} onChange={setInView} aria-label={t("table.inView")} />{t("table.inView")}
        </label>
      )}
      {(conditions?.length ?? 0) > 0 && (
        <Button icon={<FilterOutlined />} onClick={() => setFilter(layer.id, [])}>{t("table.filterClear")}</Button>
      )}
      <span className="spring" />
      {fids.length === 0 && <ChosenLine layer={layer} />}
      {fids.length > 0 && (
        <>
          <span className="table-selected">{t("table.selected", { count: fids.length })}</span>
          {spatial && <ZoomToSelection layer={layer} fids={fids} />}
          <Button onClick={() => select(selection.filter((ref) => ref.layer !== layer.id))}>{t("table.clear")}</Button>
        </>
      )}
      {question && mayExport && <ExportButton layer={layer} question={question} />}
      <Columns offered={offered} names={names} choose={choose} />
      <button type="button" className="quiet" aria-label={t("table.close")} title={t("table.close")} onClick={() => openTable(null)}>
        <CloseOutlined />
      </button>
    </header>
  );
}

/** The attribute table of a layer: what is chosen here is chosen on the map, and the other way round. */
export default function AttributeTable({ id }: { id: string }) {
  const { t } = useWords();
  const config = useConfig();
  const layer = useLayer(id);
  const columns = useColumns(layer);
  const [, names] = columns;
  const fields = useMemo(() => layer?.fields.filter((field) => names.includes(field.name)) ?? [], [layer, names]);
  return (
    <Dock label={t("table.title")}>
      {layer ? (
        <>
          <Toolbar layer={layer} columns={columns} />
          <Grid key={layer.id} layer={layer} fields={fields} />
        </>
      ) : config.isPending ? <Loading /> : (
        <Empty title={t("error.404")}>
          <WaysOn><Button onClick={() => useView.getState().openTable(null)}>{t("table.close")}</Button></WaysOn>
        </Empty>
      )}
    </Dock>
  );
}
