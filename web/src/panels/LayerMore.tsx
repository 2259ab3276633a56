import Slider from "antd/es/slider";
import type { Layer } from "../api/types";
import { pick } from "../format/text";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import { Legend } from "./Legend";
import { StyleChoice } from "./StyleChoice";

/** What is under the row of a layer: how strongly it is drawn and how, and what its colours mean; `drawn` is the layer in its chosen style. */
export default function LayerMore({ layer, drawn }: { layer: Layer; drawn: Layer }) {
  const { t, language } = useWords();
  const opacity = useView((view) => view.layers.opacity[layer.id]) ?? 1;
  const { setOpacity } = useView.getState();
  const title = pick(layer.title, language);
  const percent = Math.round(opacity * 100);
  return (
    <div className="layer-more">
      <div className="layer-opacity">
        <Slider min={0} max={100} value={percent} tooltip={{ open: false }} ariaLabelForHandle={t("layers.opacity", { layer: title })}
          onChange={(value) => setOpacity(layer.id, value / 100)} />
        <input type="number" min={0} max={100} value={percent} aria-label={t("layers.opacityPercent", { layer: title })}
          onChange={(event) => setOpacity(layer.id, Math.min(100, Math.max(0, Number(event.target.value) || 0)) / 100)} /><span>%</span>
      </div>
      <StyleChoice layer={layer} />
      <Legend layer={drawn} />
    </div>
  );
}
