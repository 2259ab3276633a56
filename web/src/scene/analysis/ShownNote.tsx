import { pick } from "../../format/text";
import type { AnalysisTool } from "../../state/analysis";
import { useWords } from "../../state/preferences";
import { useLayers } from "../../state/queries";
import { useView } from "../../state/view";
import { type Shown, shownInputs } from "./shown";

/** Which city a result is of, where that is not the whole one of today. */
export function ShownNote({ shown, tool }: { shown: Shown; tool: AnalysisTool }) {
  const { t, language } = useWords();
  const layers = useLayers();
  const until = useView((view) => view.time.until);
  const inputs = shownInputs(shown, tool === "section" || tool === "earthwork");
  const names = (ids: string[]) => ids.map((id) => pick(layers.find((layer) => layer.id === id)?.title, language) || id).join(language === "zh" ? "、" : ", ");
  const filtered = tool === "volume" ? [] : Object.keys((inputs.filters ?? {}) as object);
  const said = [
    ...(shown.datetime ? [t("analysis.asOf", { day: shown.datetime })] : []), ...(until ? [t("analysis.interval")] : []),
    ...(shown.knownAt ? [t("analysis.asKnown", { known: shown.knownAt })] : []),
    ...(shown.hidden.length > 0 && tool !== "volume" ? [t("analysis.hiddenLayers", { layers: names(shown.hidden.map((layer) => layer.id)) })] : []),
    ...(filtered.length > 0 ? [t("analysis.filteredLayers", { layers: names(filtered) })] : []),
  ];
  if (said.length === 0) return null;
  return <p className="analysis-note" data-shown="">{said.join(language === "zh" ? "；" : "; ")}{language === "zh" ? "。" : "."}</p>;
}
