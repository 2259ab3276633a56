import type { Classified, Gathered } from "../api/thematic";
import type { Layer } from "../api/types";
import { BIVARIATE, NO_DATA, ramp, sliceColors } from "../format/palette";
import { pick } from "../format/text";
import { formatNumber, unitOf } from "../format/value";
import { Failure, Loading } from "../panels/PanelState";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { CLASSED, inTiles, useClassification, useClusters } from "../state/themes";
import type { Theme, ThemeValue } from "../state/work";

/** Say what a value is, in words. */
export function useValueName(): (layer: Layer, value: ThemeValue) => string {
  const { t, language } = useWords();
  const layers = useLayers();
  return (layer, value) => {
    const counted = layers.find((candidate) => candidate.id === value.of?.layer) ?? layer;
    const field = counted.fields.find((candidate) => candidate.name === (value.of ? value.of.field : value.field));
    const unit = field ? unitOf(field, language) : "";
    const named = field ? `${pick(field.title, language)}${unit ? ` (${unit})` : ""}` : "";
    const what = !value.of ? named : value.of.measure === "count" ? `${pick(counted.title, language)} · ${t("charts.count")}`
      : `${pick(counted.title, language)} · ${t(value.of.measure === "sum" ? "charts.sum" : "charts.mean", { field: named })}`;
    const own = value.per.startsWith("own:");
    const by = (own || !value.of ? layer : counted).fields.find((candidate) => candidate.name === value.per.replace("own:", ""));
    return value.per === "none" ? what : `${what} / ${value.per === "area" ? "km²" : pick(by?.title, language)}`;
  };
}

function Square({ found }: { found: Classified }) {
  const { t, language } = useWords();
  return (
    <table className="bivariate">
      <tbody>
        {[2, 1, 0].map((row) => (
          <tr key={row}>{BIVARIATE[row]!.map((color, column) => (
            <td key={column} style={{ background: color }} title={t("theme.cellCount", { count: found.matrix?.[row]?.[column] ?? 0 })}>
              {formatNumber(found.matrix?.[row]?.[column] ?? 0, language)}
            </td>
          ))}</tr>
        ))}
      </tbody>
    </table>
  );
}

/** What the slices of the charts on the map are, with how many features in view each has. */
function Slices({ layer, theme, found }: { layer: Layer; theme: Theme; found: Gathered }) {
  const { t, language } = useWords();
  const color = sliceColors(layer, theme.by);
  const totals = new Map<string | null, { count: number; title: string }>();
  for (const { classes } of found.cells) {
    for (const each of classes) {
      const title = each.value === null ? t("theme.noData") : pick(each.title, language) || String(each.value);
      totals.set(each.value, { title, count: (totals.get(each.value)?.count ?? 0) + each.count });
    }
  }
  return (
    <ul className="legend">
      {[...totals].sort(([a, x], [b, y]) => Number(a === null) - Number(b === null) || y.count - x.count).map(([value, { title, count }]) => (
        <li key={String(value)}><i className="theme-swatch" style={{ background: color(value) }} /><span>{title}</span><span className="legend-count">{formatNumber(count, language)}</span></li>
      ))}
    </ul>
  );
}

/** What the colours of a thematic map mean: classes with how many features each has, as the server counted. */
export function ThemeLegend({ layer, theme }: { layer: Layer; theme: Theme }) {
  const { t, language } = useWords();
  const name = useValueName();
  const classified = useClassification(layer, theme);
  const gathered = useClusters(layer, theme);
  if (!CLASSED.includes(theme.kind)) {
    if (gathered.isError) return <Failure error={gathered.error} retry={() => void gathered.refetch()} />;
    return (
      <div className="theme-legend" aria-busy={gathered.isFetching}>
        {theme.kind === "heat" && <p className="heat-scale"><span>{t("theme.few")}</span><i aria-hidden="true" /><span>{t("theme.many")}</span></p>}
        {theme.kind === "charts" && gathered.data && <Slices layer={layer} theme={theme} found={gathered.data} />}
        <p className="theme-total" role="status">{gathered.data ? t("theme.total", { count: formatNumber(gathered.data.total, language) }) : "…"}</p>
      </div>
    );
  }
  if (classified.isError) return <Failure error={classified.error} retry={() => void classified.refetch()} />;
  const found = classified.data;
  if (!found) return theme.method === "manual" && !theme.breaks?.length ? <p className="place-hint">{t("theme.needBreaks")}</p> : <Loading rows={4} />;
  const digits = Math.max(...found.edges.map(Math.abs)) >= 100 ? 0 : 2;
  const range = (index: number) => `${formatNumber(found.edges[index]!, language, digits)} – ${formatNumber(found.edges[index + 1]!, language, digits)}`;
  const colors = ramp(theme.palette, Math.max(1, found.edges.length - 1));
  return (
    <div className="theme-legend" aria-busy={classified.isFetching}>
      {theme.kind === "bivariate" && theme.second ? (
        <>
          <p className="legend-by"><span>↑ {name(layer, theme.value)}</span></p>
          <p className="legend-by"><span>→ {name(layer, theme.second)}</span></p>
          <Square found={found} />
        </>
      ) : (
        <>
          <p className="legend-by"><span>{name(layer, theme.value)}</span></p>
          <ul className="legend">
            {found.counts.map((count, index) => (
              <li key={index}>
                <i className="theme-swatch" data-round={theme.kind === "graduated"}
                  style={theme.kind === "graduated" ? { background: ramp(theme.palette, 5)[3], width: 6 + index * 2.4, height: 6 + index * 2.4 } : { background: colors[index] }} />
                <span>{range(index)}</span><span className="legend-count">{formatNumber(count, language)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {found.no_data > 0 && <p className="legend-none"><i className="theme-swatch" style={{ background: NO_DATA }} /><span>{t("theme.noData")}</span><span className="legend-count">{formatNumber(found.no_data, language)}</span></p>}
      {!found.is_exact && <p className="card-note">{t("theme.gathered")}</p>}
      {!found.fids && !inTiles(layer, theme.value) && <p className="form-fault" role="alert">{t("theme.tooMany")}</p>}
      {theme.kind === "graduated" && !found.points && <p className="form-fault" role="alert">{t("theme.tooManyCircles")}</p>}
    </div>
  );
}
