import type { PointerEvent } from "react";
import type { ProjectProgress } from "../api/progress";
import { dayAt, type Extent, pathOf, shareOf } from "../format/programme";
import { showDay, useClock } from "../state/clock";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import { percent } from "./percent";

const WIDTH = 300;
const HEIGHT = 110;

/** Plan and fact as curves of percent over time, with the shown day. */
export function CurveChart({ project, extent, day, today }: { project: ProjectProgress; extent: Extent; day: string; today: string }) {
  const { t } = useWords();
  const x = shareOf(day, extent) * WIDTH;
  const now = shareOf(today, extent) * WIDTH;
  const y = (value: number) => (1 - value / 100) * HEIGHT;
  const seek = (event: PointerEvent<SVGSVGElement>) => {
    const frame = event.currentTarget.getBoundingClientRect();
    const found = dayAt((event.clientX - frame.left) / frame.width, extent);
    useClock.setState({ playing: false });
    // The bar's window of time moves along where the bar is open.
    if (useClock.getState().open) showDay(found);
    else useView.getState().setDay(found);
  };
  return (
    <figure className="grow-chart">
      <svg viewBox={`-4 -6 ${WIDTH + 8} ${HEIGHT + 12}`} role="img" preserveAspectRatio="none"
        aria-label={t("grow.chart", { label: project.label, ...extent, day, planned: percent(t, project.planned_percent), actual: percent(t, project.actual_percent) })}
        onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); seek(event); }} onPointerMove={(event) => { if (event.buttons === 1) seek(event); }}>
        {[0, 50, 100].map((value) => <line key={value} className="grow-grid" x1="0" x2={WIDTH} y1={y(value)} y2={y(value)} />)}
        {now > 0 && now < WIDTH && <line className="grow-today" x1={now} x2={now} y1="0" y2={HEIGHT} />}
        <path className="grow-planned" d={pathOf(project.curves.planned, extent, WIDTH, HEIGHT)} />
        <path className="grow-actual" d={pathOf(project.curves.actual, extent, WIDTH, HEIGHT, today < extent.to ? today : extent.to)} />
        <line className="grow-day" x1={x} x2={x} y1="-4" y2={HEIGHT + 4} />
        {project.planned_percent !== null && <circle className="grow-planned-dot" cx={x} cy={y(project.planned_percent)} r="3.5" />}
        {project.actual_percent !== null && <circle className="grow-actual-dot" cx={x} cy={y(project.actual_percent)} r="4" />}
      </svg>
      <figcaption>
        <span>{extent.from}</span>
        <span className="grow-key"><i className="dashed" />{t("grow.planned")} <i />{t("grow.actual")}</span>
        <span>{extent.to}</span>
      </figcaption>
    </figure>
  );
}
