import { CloseOutlined, DiffOutlined, FilterOutlined } from "../icons";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import DatePicker from "antd/es/date-picker";
import Segmented from "antd/es/segmented";
import Select from "antd/es/select";
import Switch from "antd/es/switch";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { today } from "../format/instant";
import { pick } from "../format/text";
import { useChanged } from "../state/changed";
import { type Ground, useBasemaps } from "../state/ground";
import { shownByDefault } from "../state/layers";
import { useWords } from "../state/preferences";
import { CITY, isOutsideShown, useOutsideLayers } from "../state/outside";
import { useLayers } from "../state/queries";
import { type Compare, type CompareMode, MOST_SIDES, PLAIN_SIDE, type Side } from "../state/sides";
import { useView } from "../state/view";

const FORM = "YYYY-MM-DD";
const LETTERS = ["A", "B", "C", "D"];
// A style of a layer that stands for none of those on offer.
const OWN = "default";

function dayOf(day: string | null): dayjs.Dayjs {
  return dayjs(day ?? today());
}

interface Row {
  side: Side;
  name: string;
  change: (part: Partial<Side>) => void;
}

/** Which layers of other services a side shows: its own choice, or what the main map shows. */
function OutsideChoice({ side, name, change }: Row) {
  const { t } = useWords();
  const { shown } = useView((view) => view.layers);
  const any = useView((view) => view.work.outside.some((id) => id !== CITY));
  const read = useOutsideLayers();
  if (!any) return null;
  const chosen = side.outside ?? read.filter(({ id }) => isOutsideShown(id, shown)).map(({ id }) => id);
  return (
    <Select size="small" mode="multiple" className="side-layers" aria-label={t("compare.outside", { name })} value={chosen} maxTagCount={0}
      allowClear={side.outside !== null} onClear={() => change({ outside: null })} popupMatchSelectWidth={260} optionFilterProp="label"
      placeholder={t("compare.outsideNone")} maxTagPlaceholder={t(side.outside === null ? "compare.outsideSame" : "compare.outsideOwn", { count: chosen.length })}
      options={read.map(({ id, layer }) => ({ value: id, label: layer?.title ?? id, disabled: layer?.allowed !== true }))}
      onSelect={(id: string) => change({ outside: [...chosen, id] })} onDeselect={(id: string) => change({ outside: chosen.filter((other) => other !== id) })} />
  );
}

/** In which styles a side draws its layers: its own choice, or those of the main map. */
function StylesChoice({ side, name, change }: Row) {
  const { t, language } = useWords();
  const layers = useLayers().filter((layer) => layer.kind === "spatial" && layer.styles?.length);
  if (layers.length === 0) return null;
  const chosen = side.styles ?? {};
  const options = layers.map((layer) => ({
    label: pick(layer.title, language), title: layer.id,
    options: [{ name: OWN, title: { zh: t("styles.own"), en: t("styles.own") } }, ...layer.styles!].map((style) => ({
      value: `${layer.id}.${style.name}`, label: `${pick(layer.title, language)} · ${pick(style.title, language)}` })),
  }));
  const choose = (value: string) => {
    const [layer, style] = value.split(".") as [string, string];
    change({ styles: { ...chosen, [layer]: style } });
  };
  const drop = (value: string) => {
    const { [value.split(".")[0]!]: _, ...rest } = chosen;
    change({ styles: Object.keys(rest).length > 0 ? rest : null });
  };
  return (
    <Select size="small" mode="multiple" className="side-layers" aria-label={t("compare.styles", { name })} maxTagCount={0} popupMatchSelectWidth={280} optionFilterProp="label"
      value={Object.entries(chosen).map(([layer, style]) => `${layer}.${style}`)} allowClear onClear={() => change({ styles: null })}
      placeholder={t("compare.stylesSame")} maxTagPlaceholder={t("compare.stylesOwn", { count: Object.keys(chosen).length })}
      options={options} onSelect={choose} onDeselect={drop} />
  );
}

function SideRow({ side, name, change }: Row) {
  const { t, language } = useWords();
  const layers = useLayers().filter((layer) => layer.kind === "spatial");
  const mainFilters = useView((view) => view.filters);
  const hasThemes = useView((view) => Object.keys(view.work.themes).length > 0);
  const { imagery, terrain } = useBasemaps();
  const grounds: Ground[] = ["paper", ...(imagery.length > 0 ? ["imagery" as const] : []), ...(terrain.length > 0 ? ["terrain" as const] : [])];
  const own = Object.keys(side.shown).length > 0;
  const chosen = own ? layers.filter((layer) => side.shown[layer.id] ?? shownByDefault(layer)).map((layer) => layer.id) : [];
  const isFiltered = Object.values(side.filters).some((conditions) => conditions.length > 0);
  const canFilter = Object.values(mainFilters).some((conditions) => conditions.length > 0);
  return (
    <div className="side-row" role="group" aria-label={t("compare.side", { name })}>
      <b>{name}</b>
      <DatePicker size="small" allowClear={false} aria-label={t("compare.day", { name })} value={dayOf(side.day)} format={FORM}
        minDate={dayjs("1900-01-01")} maxDate={dayjs("2100-12-31")}
        onChange={(value) => { if (value) change({ day: value.format(FORM) === today() ? null : value.format(FORM) }); }} />
      <Select size="small" mode="multiple" className="side-layers" aria-label={t("compare.layers", { name })} value={chosen} maxTagCount={0} allowClear
        placeholder={t("compare.layersSame")} maxTagPlaceholder={t("compare.layersOwn", { count: chosen.length })} popupMatchSelectWidth={240} optionFilterProp="label"
        options={layers.map((layer) => ({ value: layer.id, label: pick(layer.title, language) }))}
        onChange={(ids: string[]) => change({ shown: ids.length === 0 ? {} : Object.fromEntries(layers.map((layer) => [layer.id, ids.includes(layer.id)])) })} />
      <OutsideChoice side={side} name={name} change={change} />
      <StylesChoice side={side} name={name} change={change} />
      <Select size="small" className="side-ground" aria-label={t("compare.ground", { name })} value={side.ground ?? ""} popupMatchSelectWidth={false}
        onChange={(ground) => change({ ground: (ground || null) as Side["ground"] })}
        options={["", ...grounds].map((value) => ({ value, label: value ? t(`ground.${value as Ground}`) : t("compare.groundSame") }))} />
      {hasThemes && (
        <Checkbox checked={side.themed} aria-label={t("compare.themed", { name })} onChange={(event) => change({ themed: event.target.checked })}>{t("compare.theme")}</Checkbox>
      )}
      <Button size="small" type="text" icon={<FilterOutlined />} aria-pressed={isFiltered} disabled={!canFilter && !isFiltered}
        aria-label={t(isFiltered ? "compare.noFilters" : "compare.filters")} title={t(isFiltered ? "compare.noFilters" : "compare.filters")}
        onClick={() => change({ filters: isFiltered ? {} : mainFilters })} />
    </div>
  );
}

/** How to compare, and what every side shows. */
export function Bar({ compare, change }: { compare: Compare; change: (index: number, part: Partial<Side>) => void }) {
  const { t } = useWords();
  const day = useView((view) => view.time.day);
  const listing = useChanged((changed) => changed.open);
  const { setCompare, setDay } = useView.getState();
  const setMode = (mode: CompareMode) => setCompare({ ...compare, mode, sides: mode === "split" ? compare.sides : compare.sides.slice(0, 1) });
  const setPanes = (count: number) => setCompare({
    ...compare, sides: Array.from({ length: count - 1 }, (_, i) => compare.sides[i] ?? { ...PLAIN_SIDE, day: compare.sides.at(-1)?.day ?? null }),
  });
  return (
    <div className="compare-bar" role="region" aria-label={t("compare.title")}>
      <div className="compare-line">
        <Segmented size="small" aria-label={t("compare.mode")} value={compare.mode} onChange={setMode}
          options={(["swipe", "split", "spyglass"] as const).map((value) => ({ value, label: t(`compare.${value}`) }))} />
        {compare.mode === "split" && (
          <>
            <Select size="small" aria-label={t("compare.panes", { count: compare.sides.length + 1 })} value={compare.sides.length + 1} onChange={setPanes}
              options={Array.from({ length: MOST_SIDES }, (_, i) => ({ value: i + 2, label: t("compare.panes", { count: i + 2 }) }))} />
            <label className="compare-linked">
              <Switch size="small" checked={compare.linked} aria-label={t("compare.linked")} onChange={(linked) => setCompare({ ...compare, linked })} />{t("compare.linked")}
            </label>
          </>
        )}
        <Button size="small" icon={<DiffOutlined />} aria-pressed={listing} type={listing ? "primary" : "default"} ghost={listing}
          onClick={() => useChanged.setState({ open: !listing, listed: [] })}>{t("compare.changes")}</Button>
        <button type="button" className="quiet" aria-label={t("compare.close")} title={t("compare.close")} onClick={() => setCompare(null)}><CloseOutlined /></button>
      </div>
      <div className="side-row" role="group" aria-label={t("compare.main")}>
        <b>A</b>
        <DatePicker size="small" allowClear={false} aria-label={t("compare.day", { name: "A" })} value={dayOf(day)} format={FORM}
          onChange={(value) => { if (value) setDay(value.format(FORM) === today() ? null : value.format(FORM)); }} />
        <small>{t("compare.main")}</small>
      </div>
      {compare.sides.map((side, index) => <SideRow key={index} side={side} name={LETTERS[index + 1]!} change={(part) => change(index, part)} />)}
    </div>
  );
}
