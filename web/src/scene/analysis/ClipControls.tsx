import Segmented from "antd/es/segmented";
import Slider from "antd/es/slider";
import { useAnalysing } from "../../state/analysis";
import { useWords } from "../../state/preferences";

const REACH_M = 150;

/** The handle of the plane that cuts the scene: which side is away, and how far the plane was moved. */
export function ClipControls() {
  const { t } = useWords();
  const cut = useAnalysing((analysing) => analysing.cut);
  return (
    <div className="analysis-clip">
      <span id="analysis-clip">{t("analysis.clip")}</span>
      <Segmented size="small" aria-labelledby="analysis-clip" value={cut?.side ?? 0} onChange={(side) => useAnalysing.setState({ cut: side === 0 ? null : { side: side as 1 | -1, offset_m: cut?.offset_m ?? 0 } })}
        options={[{ value: 0, label: t("analysis.clipOff") }, { value: 1, label: t("analysis.clipLeft") }, { value: -1, label: t("analysis.clipRight") }]} />
      {cut && (
        <Slider min={-REACH_M} max={REACH_M} step={1} value={cut.offset_m} tooltip={{ open: false }} ariaLabelForHandle={t("analysis.clipMove", { metres: cut.offset_m })}
          onChange={(offset_m) => useAnalysing.setState({ cut: { ...cut, offset_m } })} />
      )}
    </div>
  );
}
