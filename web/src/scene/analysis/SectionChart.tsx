import { type RefObject, useId, useMemo } from "react";
import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";
import type { Cut, SectionResult } from "./results";
import { linear, ticks } from "./scale";

const WIDE = 380;
const HIGH = 200;
const EDGE = { left: 32, right: 8, top: 14, bottom: 32 };
const BELOW_M = 6;

/** The lines below a building's floors, as high as the roof lets one see them; the lowest of those above the ground is the ground itself. */
function floors({ storeys, base_elevation_m, top_elevation_m }: Cut): { z: number; known: boolean }[] {
  return storeys.flatMap(({ bottom_m, is_recorded }) => (Math.abs(bottom_m - base_elevation_m) < 0.01 || bottom_m >= top_elevation_m ? [] : [{ z: bottom_m, known: is_recorded }]));
}

/** How deep a building's recorded cellars go. */
function lowest({ storeys, base_elevation_m }: Cut): number {
  return Math.min(base_elevation_m, ...storeys.map((storey) => storey.bottom_m));
}

/** The drawing of a section: the ground, the buildings it cuts, the pipes it crosses. Heights are drawn larger where that helps. */
export function SectionChart({ found, drawing }: { found: SectionResult; drawing: RefObject<SVGSVGElement | null> }) {
  const { t } = useWords();
  const own = useId();
  const { x, y, low, high } = useMemo(() => {
    const known = found.ground.flatMap(([, z]) => (z === null ? [] : [z]));
    const below = found.pipes.flatMap((pipe) => (pipe.elevation_m === null ? [] : [pipe.elevation_m - 1]));
    const least = Math.min(...known, ...found.cuts.map(lowest), ...below);
    const most = Math.max(...known, ...found.cuts.map((cut) => cut.top_elevation_m));
    const range: [number, number] = [least - BELOW_M, most + 4];
    return {
      x: linear([0, found.length_m], [EDGE.left, WIDE - EDGE.right]), y: linear(range, [HIGH - EDGE.bottom, EDGE.top]), low: range[0], high: range[1],
    };
  }, [found]);
  const ground = found.ground.flatMap(([s, z]) => (z === null ? [] : [`${x(s).toFixed(1)},${y(z).toFixed(1)}`]));
  const exaggeration = (y(0) - y(1)) / (x(1) - x(0));
  const outline = (cut: Cut) => {
    const foot = y(lowest(cut)).toFixed(1);
    const [left, right] = [x(cut.from_m), Math.max(x(cut.from_m) + 1, x(cut.to_m))].map((at) => at.toFixed(1));
    return `M${left},${foot} ${cut.roof.map(([s, z], i) => `L${i === cut.roof.length - 1 ? right : x(s).toFixed(1)},${y(z).toFixed(1)}`).join(" ")} L${right},${foot} Z`;
  };
  const choose = (layer: string | undefined, fid: number | undefined) => {
    if (layer && fid !== undefined) useView.getState().select([{ layer, fid }]);
  };
  return (
    <svg ref={drawing} className="analysis-chart" viewBox={`0 0 ${WIDE} ${HIGH}`} role="img"
      aria-label={t("analysis.section.chart", { length: Math.round(found.length_m), buildings: found.cuts.length, pipes: found.pipes.length })}>
      {ticks(low, high, 6).map((z) => (
        <g key={z} className="chart-tick">
          <line x1={EDGE.left} x2={WIDE - EDGE.right} y1={y(z)} y2={y(z)} />
          <text x={EDGE.left - 6} y={y(z) + 4} textAnchor="end">{z}</text>
        </g>
      ))}
      {ticks(0, found.length_m, 6).map((s) => <text key={s} className="chart-label" x={x(s)} y={HIGH - 18} textAnchor="middle">{s}</text>)}
      {found.cuts.map((cut, i) => (
        <g key={`${cut.layer}.${cut.fid}.${cut.from_m}`} className="chart-building" data-unknown={!cut.is_height_known} onClick={() => choose(cut.layer, cut.fid)}>
          <title>{`${cut.label ?? cut.fid}  ${cut.height_m.toFixed(1)} m${cut.floors_above ? `  ${t("analysis.section.floors", { count: cut.floors_above })}` : ""}`}</title>
          <path id={`${own}-${i}`} d={outline(cut)} data-shape={cut.shape} />
          <clipPath id={`${own}-clip-${i}`}><use href={`#${own}-${i}`} /></clipPath>
          <g clipPath={`url(#${own}-clip-${i})`}>
            {floors(cut).map(({ z, known }) => <line key={z} data-assumed={!known} x1={x(cut.from_m)} x2={x(cut.to_m)} y1={y(z)} y2={y(z)} />)}
          </g>
          {x(cut.to_m) - x(cut.from_m) > 26 && <text x={(x(cut.from_m) + x(cut.to_m)) / 2} y={y(cut.top_elevation_m) - 4} textAnchor="middle">{cut.height_m.toFixed(1)}</text>}
        </g>
      ))}
      {ground.length > 1 && (
        <>
          <polygon className="chart-earth" points={`${x(0)},${HIGH - EDGE.bottom} ${ground.join(" ")} ${x(found.length_m)},${HIGH - EDGE.bottom}`} />
          <polyline className="chart-ground" points={ground.join(" ")} />
        </>
      )}
      {found.pipes.map((pipe, i) => pipe.elevation_m !== null && (
        <g key={`${pipe.fid}.${i}`} className="chart-pipe" onClick={() => choose(pipe.layer, pipe.fid)}>
          <title>{`${pipe.label ?? pipe.fid}  ${pipe.depth_m === null ? "" : t("analysis.section.depth", { depth: pipe.depth_m.toFixed(2) })}`}</title>
          <line x1={x(pipe.distance_m)} x2={x(pipe.distance_m)} y1={y(pipe.ground_elevation_m ?? pipe.elevation_m)} y2={y(pipe.elevation_m)} />
          <circle cx={x(pipe.distance_m)} cy={y(pipe.elevation_m)} r={Math.min(7, Math.max(2.5, (y(0) - y(pipe.size_m ?? 0.1)) / 2))} />
        </g>
      ))}
      <text className="chart-label" x={WIDE - EDGE.right} y={HIGH - 4} textAnchor="end">{t("analysis.section.axis", { times: exaggeration.toFixed(1) })}</text>
    </svg>
  );
}
