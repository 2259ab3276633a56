import type { Layer, SymbolClass } from "../api/types";
import { pick, type Language } from "../format/text";
import { formatNumber, unitOf } from "../format/value";
import { useWords } from "../state/preferences";
import { useLayerStatistics } from "../state/statistics";
import { useViewWhere } from "../state/place";
import { Shape } from "./Swatch";

function titleOf(layer: Layer, entry: SymbolClass, index: number, language: Language): string {
  if (entry.title) return pick(entry.title, language);
  const field = layer.fields.find((candidate) => candidate.name === layer.symbology?.field);
  const unit = layer.measured ? layer.measured.unit ?? "" : field ? unitOf(field, language) : "";
  if (entry.below !== undefined) {
    const from = layer.symbology?.classes?.[index - 1]?.below;
    const to = `${formatNumber(entry.below, language)} ${unit}`.trim();
    return from === undefined ? `< ${to}` : `${formatNumber(from, language)} – ${to}`;
  }
  if (entry.value === undefined && index > 0 && layer.symbology?.classes?.[index - 1]?.below !== undefined) {
    return `≥ ${formatNumber(layer.symbology.classes[index - 1]!.below!, language)} ${unit}`.trim();
  }
  if (typeof entry.value === "boolean") return entry.value ? "✓" : "✗";
  return pick(field?.codes?.[String(entry.value)], language) || String(entry.value ?? "–");
}

// Below the first bound lies everything down to here, and above the last up to there.
const LEAST = -1e12;
const GREATEST = 1e12;

/** Ask how many features of each class are in sight; null while it is not known, undefined where it is not counted. */
function useClassCounts(layer: Layer): (index: number) => number | null | undefined {
  const where = useViewWhere();
  const { classes = [], field, per } = layer.symbology ?? {};
  const bounds = classes.map((entry) => entry.below).filter((below) => below !== undefined);
  // The last class of a number may be open above.
  const open = bounds.length === classes.length - 1 && classes.at(-1)?.value === undefined;
  const ranged = field !== undefined && bounds.length > 0 && (bounds.length === classes.length || open);
  const asked = field === undefined || classes.length === 0 ? {} : ranged ? { by: field, edges: [LEAST, ...bounds, ...(open ? [GREATEST] : [])] } : { by: field };
  const found = useLayerStatistics(layer, where, asked, { enabled: layer.kind === "spatial" && per === undefined && !layer.measured });
  return (index) => {
    if (per !== undefined || layer.measured) return undefined;
    if (!found.data || found.isPlaceholderData) return null;
    if (classes.length === 0) return found.data.count;
    const entry = classes[index]!;
    return found.data.classes?.find((each) => each.value === (ranged ? index : entry.value ?? null))?.count ?? 0;
  };
}

function Count({ count }: { count: number | null | undefined }) {
  const { t, language } = useWords();
  if (count === undefined) return null;
  return <span className="legend-count" title={t("layers.countInView")}>{count === null ? "…" : formatNumber(count, language)}</span>;
}

/** What the colours of a layer mean, and how many features of each are in sight. */
export function Legend({ layer }: { layer: Layer }) {
  const { t, language } = useWords();
  const { classes = [], color = "#888888", field } = layer.symbology ?? {};
  const count = useClassCounts(layer);
  if (classes.length === 0) {
    return <ul className="legend"><li><Shape layer={layer} color={color} /><span>{pick(layer.title, language)}</span><Count count={count(0)} /></li></ul>;
  }
  const by = layer.fields.find((candidate) => candidate.name === field);
  const over = layer.fields.find((candidate) => candidate.name === layer.symbology?.per);
  return (
    <>
      <p className="legend-by">
        <span>{layer.measured ? pick(layer.measured.title, language) : <>{pick(by?.title, language)}{over ? ` / ${pick(over.title, language)}` : ""}</>}</span>
        {!over && !layer.measured && <span>{t("layers.inView")}</span>}
      </p>
      <ul className="legend">
        {classes.map((entry, index) => (
          <li key={index} data-empty={count(index) === 0}>
            <Shape layer={layer} color={entry.color} /><span>{titleOf(layer, entry, index, language)}</span><Count count={count(index)} />
          </li>
        ))}
      </ul>
    </>
  );
}
