import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";
import type { Named, Result } from "./results";

const MOST = 60;

interface Line extends Named {
  says: string;
  tone?: "good" | "bad" | "doubt";
}

/** What a result names, one by one: each can be selected. */
export function Found({ result }: { result: Result }) {
  const { t, language } = useWords();
  const [comma, stop] = language === "zh" ? ["，", "。"] : [", ", ". "];
  const lines = linesOf();
  if (lines.length === 0) return null;
  return (
    <ul className="analysis-found">
      {lines.slice(0, MOST).map((line, i) => (
        <li key={i} data-tone={line.tone}>
          {line.layer && line.fid !== undefined
            ? <button type="button" className="link-button" onClick={() => useView.getState().select([{ layer: line.layer!, fid: line.fid! }])}>{line.label || line.fid}</button>
            : <span>{line.label}</span>}
          <span>{line.says}</span>
        </li>
      ))}
      {lines.length > MOST && <li>… {lines.length - MOST}</li>}
    </ul>
  );

  function linesOf(): Line[] {
    switch (result.tool) {
      case "sightline": return result.found.targets.map((target, i) => {
        const { obstruction } = target;
        const name = obstruction?.label || (obstruction?.kind === "ground" ? t("analysis.ground") : String(obstruction?.fid ?? ""));
        const says = obstruction
          ? `${t("analysis.hidden")}${stop}${t("analysis.blockedBy", { distance: obstruction.distance_m.toFixed(1), name, above: obstruction.above_line_m.toFixed(2) })}${target.raise_m ? `${stop}${t("analysis.raise", { raise: target.raise_m.toFixed(2) })}` : ""}`
          : t("analysis.visible");
        return { layer: obstruction?.layer, fid: obstruction?.fid, label: `${t("analysis.target", { n: i + 1 })}  ${target.slant_m.toFixed(1)} m`, says, tone: obstruction ? "bad" : "good" };
      });
      case "viewshed": return result.found.features.map((each) => ({ ...each, says: t("analysis.buildingAway", { distance: each.distance_m.toFixed(0) }) }));
      case "skyline": return [];
      case "section": return [
        ...result.found.cuts.map((cut) => ({ ...cut, says: `${cut.from_m.toFixed(1)}–${cut.to_m.toFixed(1)} m${comma}${cut.height_m.toFixed(1)} m` })),
        ...result.found.pipes.map((pipe) => ({ ...pipe, says: `${pipe.distance_m.toFixed(1)} m${comma}${pipe.depth_m === null ? t("analysis.pipeUnknown") : t("analysis.section.depth", { depth: pipe.depth_m.toFixed(2) })}`,
          tone: pipe.depth_m === null ? ("doubt" as const) : undefined }))];
      case "earthwork": return [
        ...(result.found.pipes ?? []).map((pipe) => {
          const depth = pipe.least_depth_m?.toFixed(2) ?? "–";
          const says = pipe.is_met === null ? t("analysis.pipeUnknown") : pipe.is_met
            ? t("analysis.pipeMet", { over: pipe.over_floor_m!.toFixed(2), depth }) : t("analysis.pipeBelow", { under: (-pipe.over_floor_m!).toFixed(2), depth });
          return { ...pipe, says, tone: pipe.is_met === null ? ("doubt" as const) : pipe.is_met ? ("bad" as const) : ("good" as const) };
        }),
        ...(result.found.features ?? []).map((each) => ({ ...each, says: t("analysis.overlap", { area: each.overlap_m2.toFixed(1) }), tone: "bad" as const }))];
      case "volume": return result.found.features.map((each) => ({ layer: result.found.layer, fid: each.fid, label: each.label, says: each.volume_m3 === null ? "–" : `${each.volume_m3.toFixed(1)} m³` }));
    }
  }
}
