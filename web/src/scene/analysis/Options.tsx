import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import type { Analysis } from "../../state/analysis";
import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";
import type { MessageKey } from "../../format/messages.zh";
import { isDay } from "../../format/instant";
import { TOOLS } from "./tools";

/** The numbers that a tool takes. */
export function Options({ analysis }: { analysis: Analysis }) {
  const { t } = useWords();
  const put = (name: string, value: number | string | null) => {
    const { [name]: _, ...others } = analysis.options;
    // A pit is as deep as one says, or goes to a level.
    if (name === "level_m" && value !== null) delete others.depth_m;
    if (name === "depth_m" && value !== null) delete others.level_m;
    useView.getState().setAnalysis({ ...analysis, options: value === null ? others : { ...others, [name]: value } });
  };
  const compare = analysis.options.compare;
  return (
    <div className="analysis-options">
      {TOOLS[analysis.tool].options.map(({ name, fallback, min, max, step, unit }) => {
        const set = analysis.options[name];
        const shown = typeof set === "number" ? set : Number.isNaN(fallback) || (name === "depth_m" && analysis.options.level_m !== undefined) ? null : fallback;
        return (
          <label key={name}>
            <span>{t(`analysis.option.${name}` as MessageKey)}{unit && ` (${unit})`}</span>
            <InputNumber size="small" min={min} max={max} step={step} value={shown} changeOnWheel={false} onChange={(value) => put(name, typeof value === "number" ? value : null)} />
          </label>
        );
      })}
      {TOOLS[analysis.tool].isSight && (
        <Checkbox checked={analysis.options.curvature !== 0} onChange={(event) => put("curvature", event.target.checked ? null : 0)}>{t("analysis.option.curvature")}</Checkbox>
      )}
      {analysis.tool === "skyline" && (
        <label>
          <span>{t("analysis.option.compare")}</span>
          <Input size="small" type="date" value={typeof compare === "string" ? compare : ""} onChange={(event) => put("compare", isDay(event.target.value) ? event.target.value : null)} />
        </label>
      )}
    </div>
  );
}
