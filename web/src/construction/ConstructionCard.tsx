import { BlockOutlined, CaretRightOutlined, CloseOutlined, GlobalOutlined } from "../icons";
import Button from "antd/es/button";
import Select from "antd/es/select";
import { useEffect, useState } from "react";
import type { ProjectProgress } from "../api/progress";
import { boundsOf } from "../format/geometry";
import { today } from "../format/instant";
import { extentOf } from "../format/programme";
import { GHOST_COLOR, playFrom, STATE_COLORS, useConstruction, useGrowth, useProgress, watch } from "../state/construction";
import { useClock } from "../state/clock";
import { useWords, type Words } from "../state/preferences";
import { useView } from "../state/view";
import { Empty, Failure, Loading } from "../panels/PanelState";
import { CurveChart } from "./CurveChart";
import { percent } from "./percent";
import "../styles/construction.css";

const TILT = 50;
const STATES = Object.keys(STATE_COLORS) as (keyof typeof STATE_COLORS)[];

function lead(t: Words, { days, points, state }: ProjectProgress): string {
  if (days === null) return "";
  // Within the tolerance of points, days of a flat curve say little.
  if (state === "on_time" && points !== null && points !== 0 && Math.abs(days) > 7) return t("grow.within");
  // The state is said beside it.
  if (days !== 0 && state === (days > 0 ? "ahead" : "late")) return t("grow.by", { days: Math.abs(days) });
  return days === 0 ? t("grow.daysNone") : t(days > 0 ? "grow.daysAhead" : "grow.daysLate", { days: Math.abs(days) });
}

function Numbers({ project, day }: { project: ProjectProgress; day: string }) {
  const { t } = useWords();
  const compared = project.compared_on !== day && project.days !== null ? t("grow.comparedOn", { day: project.compared_on }) : null;
  return (
    <>
      <p className="grow-state"><i style={{ background: STATE_COLORS[project.state] }} aria-hidden="true" /><strong data-state={project.state}>{t(`grow.state.${project.state}`)}</strong>
        {" "}{lead(t, project)}{compared && <small>{compared}</small>}</p>
      <dl data-day={day}>
        <dt>{t("grow.planned")}</dt><dd data-number="planned">{percent(t, project.planned_percent)}</dd>
        <dt>{t("grow.actual")}</dt><dd data-number="actual">{percent(t, project.actual_percent)}</dd>
        <dt>{t("grow.points")}{compared && <small> {compared}</small>}</dt><dd data-number="points">{project.points === null ? t("grow.unknown")
          : t("grow.pointsOf", { value: `${project.points > 0 ? "+" : ""}${project.points.toFixed(1)}` })}</dd>
        <dt>{t("grow.floors")}</dt><dd>{t("grow.floorsOf", project.floors)}</dd>
        <dt>{t("grow.milestones")}</dt><dd>{t("grow.milestonesOf", project.milestones)}</dd>
      </dl>
    </>
  );
}

/** How the watched projects are on the shown day: plan and fact as curves and as numbers. */
export default function ConstructionCard() {
  const { t, language } = useWords();
  const { data, isError, error, refetch, isPlaceholderData } = useProgress();
  const growth = useGrowth();
  const watched = useView((view) => view.watch);
  const matched = useConstruction((construction) => construction.matched);
  const scene = useView((view) => view.scene);
  const tilted = useView((view) => (view.camera?.pitch ?? 0) > 5);
  const day = useView((view) => view.time.day) ?? today();
  const playing = useClock((clock) => clock.playing);
  const [chosen, setChosen] = useState<number | null>(null);
  const projects = (data?.projects ?? []).filter((project) => watched.includes(project.fid));
  const project = projects.find((each) => each.fid === chosen) ?? projects[0];
  const span = project ? extentOf([project.curves.planned, project.curves.actual]) : null;
  const whole = extentOf(projects.flatMap(({ curves }) => [curves.planned, curves.actual]));
  const end = whole?.to;
  // Time that was started here ends where all programmes have ended.
  useEffect(() => {
    if (playing && end && day > end) useClock.setState({ playing: false });
  }, [playing, day, end]);
  const left = (growth.data?.projects ?? []).reduce((sum, each) => sum + (each.buildings_left_out ?? 0), 0);
  const drawn = growth.data?.projects.find((each) => each.fid === project?.fid)?.buildings;
  const enter = () => {
    const bounds = boundsOf((drawn ?? []).map((building) => building.geometry));
    useView.getState().setScene(true);
    if (bounds) useView.getState().fly({ bounds });
  };
  const tilt = () => {
    const bounds = boundsOf((drawn ?? []).map((building) => building.geometry));
    const turned = tilted ? { bearing: 0, pitch: 0 } : { bearing: -20, pitch: TILT };
    if (bounds) useView.getState().fly({ bounds, zoom: 17.5, ...turned });
  };
  return (
    <section className="grow-card" aria-label={t("grow.title")} data-covers="right" aria-busy={isPlaceholderData}>
      <header>
        <h2>{t("grow.title")} <small>{day}</small></h2>
        <button type="button" className="quiet" aria-label={t("grow.close")} title={t("grow.close")} onClick={() => watch([])}><CloseOutlined /></button>
      </header>
      {isError ? <Failure error={error} retry={() => void refetch()} />
        : !data ? <Loading rows={4} />
          : !project ? (data.not_shown > 0
            ? <Empty title={t("grow.notShownAll")} hint={t("grow.notShown", { count: data.not_shown })} /> : <Empty title={t("grow.none")} hint={t("grow.noneHint")} />)
            : (
              <>
                {projects.length > 1
                  ? <Select aria-label={t("grow.choose")} value={project.fid} onChange={setChosen} popupMatchSelectWidth={false}
                    options={projects.map((each) => ({ value: each.fid, label: `${each.label} · ${t(`grow.state.${each.state}`)}` }))} />
                  : <h3>{project.label}</h3>}
                <Numbers project={project} day={data.day} />
                {span && <CurveChart project={project} extent={span} day={day} today={data.today} />}
                {data.day > data.today && <p className="grow-note">{t("grow.future")}</p>}
                <p className="grow-note">{t("grow.basis", { planned: t(`grow.basis.${project.basis.planned}`), actual: t(`grow.basis.${project.basis.actual}`) })}
                  {project.recorded_until && <> · {t("grow.until", { day: project.recorded_until })}</>}</p>
                {drawn?.length === 0 && <p className="grow-note">{t("grow.noBuildings")}</p>}
                {matched !== null && matched > projects.length && <p className="grow-note">{t("grow.more", { matched, count: projects.length })}</p>}
                {data.not_shown > 0 && <p className="grow-note" data-not-shown={data.not_shown}>{t("grow.notShown", { count: data.not_shown })}</p>}
                {left > 0 && <p className="grow-note">{t("grow.left", { count: left })}</p>}
                <div className="grow-actions">
                  {whole && <Button icon={<CaretRightOutlined />} onClick={() => playFrom(whole.from)}>{t("grow.play")}</Button>}
                  {!scene && <Button icon={<BlockOutlined />} onClick={tilt}>{t(tilted ? "grow.flat" : "grow.tilt")}</Button>}
                  {!scene && <Button icon={<GlobalOutlined />} onClick={enter}>{t("grow.open3d")}</Button>}
                </div>
                <ul className="grow-legend" aria-label={t("grow.key")}>
                  {STATES.map((state) => <li key={state}><i style={{ background: STATE_COLORS[state] }} aria-hidden="true" />{t(`grow.state.${state}`)}</li>)}
                  <li><i style={{ background: GHOST_COLOR, opacity: 0.6 }} aria-hidden="true" />{t("grow.ghost")}</li>
                </ul>
                {!scene && <p className="grow-note">{t("grow.signs")}</p>}
                <p className="grow-note">{t("grow.legend")}</p>
                <details><summary>{t("grow.rule")}</summary><p>{data.rule[language]}</p></details>
              </>
            )}
    </section>
  );
}
