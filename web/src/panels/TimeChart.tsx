import type { Version } from "../api/types";
import { toMs, today } from "../format/instant";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

const WIDTH = 320;
const ROW = 13;
const AXIS = 16;

/**
 * Versions as rectangles: across, when it was so; down, in which step of knowledge.
 *
 * A correction stands below what it corrected, so one sees at a glance what was believed and what is believed.
 */
export function TimeChart({ versions }: { versions: Version[] }) {
  const { t } = useWords();
  const { day } = useView((view) => view.time);
  if (versions.length < 2) return null;
  const now = Date.now();
  const times = versions.flatMap((v) => [v.valid_from, v.valid_to]).filter((x) => x !== null).map(toMs);
  const first = Math.min(...times, now);
  const last = Math.max(...times, now);
  const span = Math.max(1, last - first);
  const [begin, end] = [first - span * 0.03, last + span * 0.06];
  const x = (time: number) => ((time - begin) / (end - begin)) * WIDTH;
  const steps = [...new Set(versions.flatMap((v) => (v.seq_to === null ? [v.seq_from] : [v.seq_from, v.seq_to])))].sort((a, b) => a - b);
  const y = (seq: number) => steps.indexOf(seq) * ROW;
  const height = steps.length * ROW;
  const marker = x(day ? toMs(day) : now);
  return (
    <figure className="time-chart">
      <svg viewBox={`0 0 ${WIDTH} ${height + AXIS}`} role="img" aria-label={t("history.chart")}>
        {versions.map((version) => {
          const from = version.valid_from ? x(toMs(version.valid_from)) : 0;
          const to = version.valid_to ? x(toMs(version.valid_to)) : WIDTH;
          const top = y(version.seq_from);
          const bottom = version.seq_to === null ? height : y(version.seq_to);
          return (
            <rect key={version.version_id} x={from} y={top} width={Math.max(2, to - from - 1)} height={Math.max(2, bottom - top - 1)} rx="2"
              className={version.seq_to === null ? "chart-now" : "chart-past"}>
              <title>{`${version.valid_from ?? "…"} – ${version.valid_to ?? "…"} · ${t("history.changeset", { seq: version.seq_from })}`}</title>
            </rect>
          );
        })}
        <line x1={marker} x2={marker} y1="0" y2={height} className="chart-day" />
        <text x="2" y={height + 12}>{today(new Date(first)).slice(0, 4)}</text>
        <text x={WIDTH - 2} y={height + 12} textAnchor="end">{today(new Date(last)).slice(0, 4)}</text>
      </svg>
      <figcaption>{t("history.chart")}</figcaption>
    </figure>
  );
}
