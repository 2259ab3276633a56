import type { RefObject } from "react";
import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";
import type { Ray, SkylineResult } from "./results";
import { linear, ticks } from "./scale";

const WIDE = 380;
const HIGH = 170;
const EDGE = { left: 32, right: 12, top: 10, bottom: 24 };
const WINDS = ["n", "e", "s", "w"] as const;

/** The horizon by azimuth, north to north; where two days are compared, both. */
export function SkylineChart({ found, drawing }: { found: SkylineResult; drawing: RefObject<SVGSVGElement | null> }) {
  const { t } = useWords();
  const all = [...found.profile, ...(found.compared?.profile ?? [])].map((ray) => ray.angle_deg);
  const range: [number, number] = [Math.min(0, ...all), Math.max(10, ...all) * 1.08];
  const x = linear([0, 360], [EDGE.left, WIDE - EDGE.right]);
  const y = linear(range, [HIGH - EDGE.bottom, EDGE.top]);
  const closed = (profile: Ray[]) => [...profile, { ...profile[0]!, azimuth_deg: 360 }].map((ray) => `${x(ray.azimuth_deg).toFixed(1)},${y(ray.angle_deg).toFixed(1)}`);
  const line = closed(found.profile);
  const step = 360 / found.profile.length;
  return (
    <svg ref={drawing} className="analysis-chart" viewBox={`0 0 ${WIDE} ${HIGH}`} role="img"
      aria-label={t("analysis.skyline.chart", { highest: found.highest_deg.toFixed(1), azimuth: Math.round(found.highest_azimuth_deg) })}>
      {ticks(range[0], range[1], 5).map((angle) => (
        <g key={angle} className="chart-tick">
          <line x1={EDGE.left} x2={WIDE - EDGE.right} y1={y(angle)} y2={y(angle)} />
          <text x={EDGE.left - 6} y={y(angle) + 4} textAnchor="end">{angle}°</text>
        </g>
      ))}
      {[0, 45, 90, 135, 180, 225, 270, 315, 360].map((azimuth) => (
        <text key={azimuth} className="chart-label" x={x(azimuth)} y={HIGH - 8} textAnchor="middle">
          {azimuth % 90 === 0 ? t(`analysis.wind.${WINDS[(azimuth / 90) % 4]!}`) : `${azimuth}°`}
        </text>
      ))}
      <polygon className="chart-sky" points={`${x(0)},${y(range[0])} ${line.join(" ")} ${x(360)},${y(range[0])}`} />
      <polyline className="chart-horizon" points={line.join(" ")} />
      {found.compared && <polyline className="chart-then" points={closed(found.compared.profile).join(" ")} />}
      {found.profile.map((ray) => (
        <rect key={ray.azimuth_deg} className="chart-reach" x={x(ray.azimuth_deg) - (x(step) - x(0)) / 2} width={x(step) - x(0)} y={EDGE.top} height={HIGH - EDGE.top - EDGE.bottom}
          onClick={() => ray.layer && ray.fid !== undefined && useView.getState().select([{ layer: ray.layer, fid: ray.fid }])}>
          <title>{`${ray.azimuth_deg}°  ${ray.angle_deg.toFixed(1)}°  ${ray.label ?? ray.fid ?? t("analysis.ground")}${ray.distance_m ? `  ${Math.round(ray.distance_m)} m` : ""}`}</title>
        </rect>
      ))}
    </svg>
  );
}
