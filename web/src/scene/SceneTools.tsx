import { ReloadOutlined } from "../icons";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Slider from "antd/es/slider";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";
import { pick } from "../format/text";
import { gather, MOST_WATCHED, useConstruction, watch } from "../state/construction";
import { useFlying } from "../state/flight";
import { FilterNotes } from "./FilterNotes";
import { AnalysisButton } from "./analysis/AnalysisButton";
import { useScene } from "./state";

const NOON = 12;

function clock(hour: number): string {
  return `${String(Math.floor(hour)).padStart(2, "0")}:${String(Math.round((hour % 1) * 60)).padStart(2, "0")}`;
}

function metres(value: number): string {
  return `${value.toFixed(2)} m`;
}

/** The tools of the scene, and what it says of itself. */
export function SceneTools({ none, retry, hasImagery }: { none: boolean; retry: () => void; hasImagery: boolean }) {
  const { t, language } = useWords();
  const { underground, pit, imagery, sun, measured, points, loading, failed } = useScene();
  const layers = useLayers();
  const tool = useView((view) => view.tool);
  const watching = useView((view) => view.watch.length > 0);
  const gathering = useConstruction((construction) => construction.busy);
  const flying = useFlying((flight) => flight.open);
  const toggles = [
    { id: "underground", on: underground, press: () => useScene.setState({ underground: !underground }) },
    { id: "pit", on: pit, press: () => useScene.setState({ pit: !pit }) },
    ...(hasImagery ? [{ id: "imagery", on: imagery, press: () => useScene.setState({ imagery: !imagery }) } as const] : []),
    { id: "sun", on: sun !== null, press: () => useScene.setState({ sun: sun ? null : { hour: NOON, shadows: false } }) },
    { id: "measure", on: tool === "measure", press: () => useView.getState().setTool(tool === "measure" ? "identify" : "measure") },
  ] as const;
  return (
    <>
      {loading && <div className="map-busy" role="status" aria-label={t("scene.loading")} />}
      <div className="scene-tools" role="toolbar" aria-label={t("scene.tools")}>
        {toggles.map(({ id, on, press }) => (
          <button key={id} type="button" aria-pressed={on} onClick={press}>{t(`scene.${id}`)}</button>
        ))}
        {layers.some((layer) => layer.id === "project") && (
          <button type="button" aria-pressed={watching} disabled={gathering} title={t("grow.inViewHint", { most: MOST_WATCHED })}
            onClick={() => (watching ? watch([]) : gather(t))}>{t("grow.inView")}</button>
        )}
        <button type="button" aria-pressed={flying} onClick={() => useFlying.setState({ open: !flying, playing: false })}>{t("flight.open")}</button>
        <AnalysisButton />
        <button type="button" onClick={() => useView.getState().setScene(false)}>{t("scene.close")}</button>
      </div>
      {sun && (
        <div className="scene-card">
          <label id="scene-hour">{t("scene.hour")} <strong>{clock(sun.hour)}</strong></label>
          <Slider min={0} max={23.75} step={0.25} value={sun.hour} ariaLabelledByForHandle="scene-hour" ariaValueTextFormatterForHandle={clock} tooltip={{ open: false }}
            onChange={(hour) => useScene.setState({ sun: { ...sun, hour } })} />
          <Checkbox checked={sun.shadows} onChange={(event) => useScene.setState({ sun: { ...sun, shadows: event.target.checked } })}>
            {t("scene.shadows")}
          </Checkbox>
        </div>
      )}
      {tool === "measure" && (
        <div className="scene-card" role="status">
          {measured ? (
            <dl>
              <dt>{t("scene.slant")}</dt><dd>{metres(measured.slant_m)}</dd>
              <dt>{t("scene.level")}</dt><dd>{metres(measured.level_m)}</dd>
              <dt>{t("scene.rise")}</dt><dd>{metres(measured.rise_m)}</dd>
            </dl>
          ) : t(points === 1 ? "scene.measureSecond" : "scene.measureFirst")}
        </div>
      )}
      <FilterNotes />
      {none && <p className="scene-card" role="status">{t("scene.none")}</p>}
      {failed.length > 0 && (
        <div className="scene-card scene-failed" role="alert">
          {t("scene.failed", { layers: failed.map((id) => pick(layers.find((layer) => layer.id === id)?.title, language)).join(language === "zh" ? "、" : ", ") })}
          <Button icon={<ReloadOutlined />} onClick={retry}>{t("scene.retry")}</Button>
        </div>
      )}
    </>
  );
}
