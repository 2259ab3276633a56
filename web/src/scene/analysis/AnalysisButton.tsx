import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";
import { begun } from "./tools";

/** The button of the analyses among the tools of the scene. */
export function AnalysisButton() {
  const { t } = useWords();
  const isOpen = useView((view) => view.analysis !== null);
  return (
    <button type="button" aria-pressed={isOpen} onClick={() => {
      useView.getState().setTool("identify");
      useView.getState().setAnalysis(isOpen ? null : begun("sightline"));
    }}>{t("analysis.open")}</button>
  );
}
