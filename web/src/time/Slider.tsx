import { type KeyboardEvent, type PointerEvent, useMemo, useRef } from "react";
import { addStep, toMs, today } from "../format/instant";
import { FIRST_DAY, lastDay, showDay, useClock } from "../state/clock";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import { type Counted, useHistogram } from "./useHistogram";

const HEIGHT = 34;

function yearOf(day: string): number {
  return Number(day.slice(0, 4));
}

/** Bars of one year: what began upwards, what ended downwards; changes stand behind in a lighter tone. */
function Bars({ counted, first, last }: { counted: Counted; first: number; last: number }) {
  const { t } = useWords();
  const most = Math.max(1, ...counted.years.map((y) => y.built + y.changed), ...counted.years.map((y) => y.ended));
  // Roots, or one great year would flatten all others.
  const tall = (count: number) => (count === 0 ? 0 : Math.max(1.5, (Math.sqrt(count) / Math.sqrt(most)) * (HEIGHT - 12)));
  const width = 1000 / (last - first);
  return (
    <>
      {counted.years.map((year) => {
        const x = (year.year - first) * width;
        const base = HEIGHT - 8;
        return (
          <g key={year.year}>
            <title>{t("play.bar", { ...year })}</title>
            <rect x={x} y="0" width={width} height={HEIGHT} fill="transparent" />
            <rect className="bar-changed" x={x + width * 0.15} y={base - tall(year.built + year.changed)} width={width * 0.7} height={tall(year.built + year.changed)} />
            <rect className="bar-built" x={x + width * 0.15} y={base - tall(year.built)} width={width * 0.7} height={tall(year.built)} />
            <rect className="bar-ended" x={x + width * 0.15} y={base + 1} width={width * 0.7} height={Math.min(7, tall(year.ended) / 3 + (year.ended ? 2 : 0))} />
          </g>
        );
      })}
    </>
  );
}

/** The slider from the first day to the plans of tomorrow, with a histogram of what changes in view. */
export function Slider({ day }: { day: string }) {
  const { t } = useWords();
  const track = useRef<HTMLDivElement>(null);
  const until = useView((view) => view.time.until);
  const step = useClock((clock) => clock.step);
  const counted = useHistogram();
  const [first, last] = [yearOf(FIRST_DAY), yearOf(lastDay())];
  const [begin, end] = [toMs(FIRST_DAY), toMs(lastDay())];
  const share = (each: string) => Math.min(1, Math.max(0, (toMs(each) - begin) / (end - begin)));
  const ticks = useMemo(() => Array.from({ length: Math.floor((last - first) / 5) + 1 }, (_, i) => first + 5 * i), [first, last]);

  const seek = (event: PointerEvent) => {
    const frame = track.current!.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - frame.left) / frame.width));
    const found = today(new Date(begin + part * (end - begin)));
    // With long steps one wants the beginning of a year, not some day of it.
    showDay(step === "year" || step === "decade" ? `${found.slice(0, 4)}-01-01` : found);
  };
  const press = (event: KeyboardEvent) => {
    const count = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    const wanted = count ? addStep(day, step, count) : { Home: FIRST_DAY, End: lastDay() }[event.key];
    if (!wanted) return;
    event.preventDefault();
    showDay(wanted < FIRST_DAY ? FIRST_DAY : wanted > lastDay() ? lastDay() : wanted);
  };
  return (
    <div className="time-track" ref={track}
      onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); useClock.setState({ playing: false }); seek(event); }}
      onPointerMove={(event) => { if (event.buttons === 1) seek(event); }}>
      <svg viewBox={`0 0 1000 ${HEIGHT}`} preserveAspectRatio="none" role="img" className="time-histogram"
        aria-label={counted.data ? t("play.histogram", { ...counted.data.total }) : t("play.loading")}>
        <rect className="time-plans" x={1000 * share(today())} y="0" width={1000 * (1 - share(today()))} height={HEIGHT} />
        {until && <rect className="time-interval" x={1000 * share(day)} y="0" width={1000 * (share(until) - share(day))} height={HEIGHT} />}
        {counted.data && <Bars counted={counted.data} first={first} last={last} />}
      </svg>
      <div className="time-ticks" aria-hidden="true">
        {ticks.map((year) => <span key={year} data-minor={year % 10 !== 0} style={{ insetInlineStart: `${share(`${year}-01-01`) * 100}%` }}>{year}</span>)}
      </div>
      <div className="time-thumb" role="slider" tabIndex={0} aria-label={t("play.slider")} aria-valuemin={begin / 86_400_000} aria-valuemax={end / 86_400_000}
        aria-valuenow={toMs(day) / 86_400_000} aria-valuetext={day} style={{ insetInlineStart: `${share(day) * 100}%` }} onKeyDown={press}>
        <b>{day}</b>
      </div>
      {counted.data?.years.length === 0 && <p className="time-none">{t("play.noChange")}</p>}
    </div>
  );
}
