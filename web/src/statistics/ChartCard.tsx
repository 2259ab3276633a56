import { CloseOutlined, FilterFilled } from "../icons";
import { lazy, Suspense, useMemo, useState } from "react";
import type { ClassTotal } from "../api/statistics";
import type { Layer } from "../api/types";
import { pick, type Language } from "../format/text";
import { formatNumber, unitOf } from "../format/value";
import { Empty, Failure, Loading } from "../panels/PanelState";
import { useWhere } from "../state/place";
import { usePreferences, useWords } from "../state/preferences";
import { chartAsks, chartValue, isKept, toggleClass, useLayerStatistics } from "../state/statistics";
import { useView } from "../state/view";
import type { ChartSpec } from "../state/work";

const Chart = lazy(() => import("./Chart"));
const MOST_BARS = 14;
const NONE: never[] = [];

function nameOf(each: ClassTotal, language: Language, none: string): string {
  if (each.from !== undefined) return formatNumber(each.from, language);
  if (each.value === null) return none;
  if (typeof each.value === "boolean") return { zh: ["否", "是"], en: ["no", "yes"] }[language][each.value ? 1 : 0]!;
  return pick(each.title, language) || String(each.value);
}

/** One chart, its numbers, and the filter that a click on it sets. */
export function ChartCard({ spec, layer, remove }: { spec: ChartSpec; layer: Layer; remove: (() => void) | null }) {
  const { t, language } = useWords();
  const theme = usePreferences((preferences) => preferences.theme);
  const where = useWhere();
  const [open, setOpen] = useState(false);
  const conditions = useView((view) => view.filters[layer.id]) ?? NONE;
  const found = useLayerStatistics(layer, where, chartAsks(spec), { free: spec.by });
  const field = layer.fields.find((candidate) => candidate.name === spec.by);
  const measured = layer.fields.find((candidate) => candidate.name === spec.measure.split(":")[1]);
  const title = t("charts.titleOf", { layer: pick(layer.title, language), field: pick(field?.title, language) || spec.by });
  const measure = spec.measure === "count" ? t("charts.count")
    : t(spec.measure.startsWith("sum") ? "charts.sum" : "charts.mean", { field: pick(measured?.title, language) });
  const unit = measured ? unitOf(measured, language) : "";
  const format = (value: number) => `${formatNumber(value, language, Math.abs(value) >= 1000 ? 0 : 2)}${unit ? ` ${unit}` : ""}`;
  const years = field?.type === "date" || field?.type === "datetime";
  const classes = useMemo(() => {
    const all = found.data?.classes ?? [];
    if (spec.kind === "histogram") return all;
    const sorted = [...all].sort((a, b) => (years ? Number(a.value) - Number(b.value) : chartValue(spec, b) - chartValue(spec, a)));
    return years ? sorted.slice(-MOST_BARS * 2) : sorted.slice(0, MOST_BARS);
  }, [found.data, spec]);
  const colors = useMemo(() => new Map(layer.symbology?.field === spec.by
    ? (layer.symbology.classes ?? []).map((each) => [String(each.value), each.color] as const) : []), [layer, spec.by]);
  const bars = useMemo(() => classes.map((each) => ({
    name: nameOf(each, language, t("charts.none")), value: chartValue(spec, each), kept: isKept(conditions, spec, each), color: colors.get(String(each.value)),
  })), [classes, conditions, language, colors]);
  const filtered = conditions.some((condition) => condition.field === spec.by);
  const others = (found.data?.classes?.length ?? 0) - classes.length + (found.data?.classes_left_out ?? 0);
  return (
    <article className="card" aria-label={title} aria-busy={found.isFetching}>
      <header>
        <h3>{title}</h3>
        {filtered && (
          <button type="button" className="quiet" aria-label={t("charts.clear")} title={t("charts.clear")}
            onClick={() => useView.getState().setFilter(layer.id, conditions.filter((condition) => condition.field !== spec.by))}><FilterFilled /></button>
        )}
        {remove && (
          <button type="button" className="quiet" aria-label={t("charts.remove", { title })} title={t("charts.remove", { title })} onClick={remove}><CloseOutlined /></button>
        )}
      </header>
      <p className="card-measure">{measure}<strong>{found.data ? format(total(spec, found.data)) : "…"}</strong></p>
      {found.isError ? <Failure error={found.error} retry={() => void found.refetch()} />
        : where === null ? <p className="place-hint">{t("place.drawFirst")}</p>
          : found.isPending ? <Loading rows={4} />
            : bars.length === 0 ? <Empty title={t("stats.nothing")} />
              : (
                <>
                  <Suspense fallback={<Loading rows={4} />}>
                    <Chart kind={spec.kind} bars={bars} label={`${title} · ${measure}`} theme={theme} format={format}
                      choose={(index, also) => classes[index] && toggleClass(layer, spec, classes[index], also)} />
                  </Suspense>
                  {others > 0 && <p className="card-note">{t("charts.more", { count: others })}</p>}
                  {(found.data?.without_class ?? 0) > 0 && <p className="card-note">{t("charts.without", { count: formatNumber(found.data!.without_class!, language) })}</p>}
                  <button type="button" className="link-button card-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>{t("charts.table")}</button>
                  {open && <Numbers classes={classes} bars={bars} format={format} choose={(index, also) => toggleClass(layer, spec, classes[index]!, also)} />}
                </>
              )}
    </article>
  );
}

function total(spec: ChartSpec, data: { count: number; fields: ClassTotal["fields"] }): number {
  return chartValue(spec, data);
}

function Numbers({ classes, bars, format, choose }: {
  classes: ClassTotal[]; bars: { name: string; value: number; kept: boolean }[]; format: (value: number) => string; choose: (index: number, also: boolean) => void;
}) {
  const { t, language } = useWords();
  const full = (index: number) => {
    const { from, to } = classes[index]!;
    return from === undefined ? bars[index]!.name : `${formatNumber(from, language)} – ${formatNumber(to!, language)}`;
  };
  return (
    <ul className="numbers">
      {bars.map((bar, index) => (
        <li key={index} data-kept={bar.kept}>
          <button type="button" aria-label={t("charts.filter", { value: full(index) })} aria-pressed={bar.kept}
            onClick={(event) => choose(index, event.ctrlKey || event.metaKey)}>{full(index)}</button>
          <span>{format(bar.value)}</span>
        </li>
      ))}
    </ul>
  );
}
