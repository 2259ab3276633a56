import type { Layer, SymbolClass } from "../api/types";
import { pick, type Language } from "../format/text";
import { formatNumber, unitOf } from "../format/value";
import { useWords } from "../state/preferences";
import { useLayerStatistics } from "../state/statistics";
import { useViewWhere } from "../state/place";

function Shape({ layer, color }: { layer: Layer; color: string }) {
  const { outline, width_px: width = 1, dash, opacity = 1 } = layer.symbology ?? {};
  const geometry = layer.geometry ?? "Polygon";
  return (
    <svg className="swatch" viewBox="0 0 18 14" width="18" height="14" aria-hidden="true">
      {geometry.endsWith("Point") ? (
        <circle cx="9" cy="7" r="4.5" fill={color} stroke={outline ?? "#ffffff"} strokeWidth="1.2" />
      ) : geometry.endsWith("LineString") ? (
        <path d="M1 11C6 11 8 3 17 3" fill="none" stroke={color} strokeWidth={Math.min(4, Math.max(1.8, width))}
          strokeDasharray={dash?.map((part) => part * 1.6).join(" ")} />
      ) : (
        <rect x="1" y="1.5" width="16" height="11" rx="2" fill={color} fillOpacity={opacity < 0.08 ? 0 : Math.max(0.25, opacity)}
          stroke={outline ?? color} strokeWidth={Math.min(2, Math.max(1, width))} strokeDasharray={dash?.join(" ")} />
      )}
    </svg>
  );
}

/** The colour of a layer in its row; several when it has classes. */
export function Swatch({ layer }: { layer: Layer }) {
  const classes = layer.symbology?.classes ?? [];
  const color = layer.symbology?.color ?? "#888888";
  if (classes.length < 3) return <Shape layer={layer} color={classes[0]?.color ?? color} />;
  const shown = [0, Math.floor(classes.length / 2), classes.length - 1].map((i) => classes[i]!.color);
  return (
    <svg className="swatch" viewBox="0 0 18 14" width="18" height="14" aria-hidden="true">
      {shown.map((fill, i) => <rect key={i} x={1 + i * 5.5} y="1.5" width="5" height="11" rx="1.2" fill={fill} stroke="#0002" strokeWidth="0.6" />)}
    </svg>
  );
}

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
