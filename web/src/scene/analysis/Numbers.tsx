import type { Language } from "../../format/text";
import { useWords, type Words } from "../../state/preferences";
import type { Cut, Openness, Result } from "./results";

type Row = [string, string];

function writer(language: Language): (value: number | null | undefined, unit?: string, digits?: number) => string {
  return (value, unit = "", digits = 2) => (value === null || value === undefined ? "–"
    : `${value.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit ? ` ${unit}` : ""}`);
}

function openness(t: Words, put: ReturnType<typeof writer>, found: Openness): Row[] {
  return [[t("analysis.svf"), put(found.sky_view_factor, "", 3)], [t("analysis.skyShare"), put(found.sky_share * 100, "%", 1)],
    [t("analysis.openness"), put(found.openness_deg, "°", 1)], [t("analysis.highest"), `${put(found.highest_deg, "°", 1)} (${put(found.highest_azimuth_deg, "°", 0)})`]];
}

function rows(t: Words, put: ReturnType<typeof writer>, result: Result): Row[] {
  switch (result.tool) {
    case "sightline": return [[t("analysis.seenOf"), `${result.found.visible} / ${result.found.targets.length}`], [t("analysis.eyeAt"), put(result.found.observer.eye_elevation_m, "m")]];
    case "viewshed": return [
      [t("analysis.visibleArea"), put(result.found.visible_m2, "m²", 0)], [t("analysis.visibleGround"), put(result.found.visible_ground_m2, "m²", 0)],
      [t("analysis.hiddenArea"), put(result.found.hidden_m2, "m²", 0)],
      [t("analysis.share"), put(result.found.visible_share === null ? null : result.found.visible_share * 100, "%", 1)],
      [t("analysis.seenBuildings"), String(result.found.visible_solids)], [t("analysis.cell"), put(result.found.cell_m, "m")],
      [t("analysis.eyeAt"), put(result.found.observer.eye_elevation_m, "m")]];
    case "skyline": {
      const { compared } = result.found;
      return [...openness(t, put, result.found), [t("analysis.eyeAt"), put(result.found.observer.eye_elevation_m, "m")],
        ...(compared ? [[t("analysis.then", { day: compared.datetime }), ""] as Row, ...openness(t, put, compared),
          [t("analysis.change"), `${put(compared.largest_change_deg, "°", 1)} (${put(compared.largest_change_azimuth_deg, "°", 0)})`] as Row] : [])];
    }
    case "section": return [[t("analysis.length"), put(result.found.length_m, "m", 1)],
      [t("analysis.groundRange"), result.found.terrain.layer ? `${put(result.found.lowest_m, "", 1)}–${put(result.found.highest_m, "m", 1)}` : "–"],
      [t("analysis.cutBuildings"), String(result.found.cuts.length)], [t("analysis.crossedPipes"), String(result.found.pipes.length)]];
    case "earthwork": {
      const { found } = result;
      const dug: Row[] = found.cut_m3 === undefined ? [] : [[t("analysis.level"), put(found.level_m, "m")], [t("analysis.cut"), put(found.cut_m3, "m³", 1)], [t("analysis.fill"), put(found.fill_m3, "m³", 1)],
        [t("analysis.metPipes"), String(found.pipes_met)], [t("analysis.unknownPipes"), String(found.pipes_unknown)], [t("analysis.metBuildings"), String(found.feature_count)]];
      return [[t("analysis.area"), put(found.area_m2, "m²", 1)], [t("analysis.surface"), put(found.surface_m2, "m²", 1)], [t("analysis.perimeter"), put(found.perimeter_m, "m", 1)],
        [t("analysis.mean"), put(found.mean_m, "m")], ...dug];
    }
    case "volume": return [[t("analysis.count"), String(result.found.count)], [t("analysis.footprint"), put(result.found.footprint_m2, "m²", 1)],
      [t("analysis.solidVolume"), put(result.found.volume_m3, "m³", 1)]];
  }
}

function storeyCounts(cuts: Cut[]): { recorded: number; assumed: number } {
  const storeys = [...new Map(cuts.map((cut) => [cut.fid, cut.storeys])).values()].flat();
  const recorded = storeys.filter((storey) => storey.is_recorded).length;
  return { recorded, assumed: storeys.length - recorded };
}

/** The numbers of a result, and what they rest on. */
export function Numbers({ result }: { result: Result }) {
  const { t, language } = useWords();
  const put = writer(language);
  const frame = result.tool === "volume" ? null : result.found;
  const unknown = result.tool === "volume" ? result.found.unknown_heights : frame?.solids?.unknown_heights ?? 0;
  const { surfaces, prisms, surfaces_left_out: leftOut = 0 } = result.tool === "volume" ? result.found : frame?.solids ?? {};
  const refraction = frame?.curvature ? frame.refraction : undefined;
  return (
    <>
      <dl>
        {rows(t, put, result).map(([name, value], i) => (
          <div key={i} className={value === "" ? "analysis-part" : undefined}><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
      <p className="analysis-note">
        {frame && !frame.terrain.layer && <strong>{t("analysis.noTerrain")} </strong>}
        {frame?.terrain.cell_m !== undefined && `${t("analysis.cellStated", { cell: frame.terrain.cell_m.toFixed(0) })} `}
        {surfaces !== undefined && prisms !== undefined && surfaces + prisms > 0 && <span data-shapes={`${surfaces}/${prisms}`}>{t("analysis.shapes", { surfaces, prisms })} </span>}
        {leftOut > 0 && `${t("analysis.leftOut", { count: leftOut })} `}
        {result.tool === "section" && <>{t("analysis.storeys", storeyCounts(result.found.cuts))} </>}
        {unknown > 0 && `${t("analysis.unknownHeights", { count: unknown })} `}
        {refraction && t("analysis.refraction", { value: refraction.value, state: t(refraction.is_verified ? "analysis.verified" : "analysis.unverified") })}
      </p>
    </>
  );
}
