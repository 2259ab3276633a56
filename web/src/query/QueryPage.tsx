import Select from "antd/es/select";
import { useState } from "react";
import { pick } from "../format/text";
import { Empty } from "../panels/PanelState";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";
import { Builder } from "./Builder";
import { SelectBy } from "./SelectBy";
import "../styles/statistics.css";
import "../styles/query.css";

/** Ask a layer: by conditions, and by where its features are. */
export default function QueryPage() {
  const { t, language } = useWords();
  const layers = useLayers().filter((layer) => layer.kind !== "coverage");
  const table = useView((view) => view.table);
  const focus = useView((view) => view.selection[view.focus]?.layer);
  const [chosen, setChosen] = useState<string | null>(null);
  const layer = layers.find((candidate) => candidate.id === (chosen ?? table ?? focus)) ?? layers.find((candidate) => candidate.group === "housing" && candidate.kind === "spatial")
    ?? layers.find((candidate) => candidate.kind === "spatial") ?? layers[0];
  if (!layer) return <Empty title={t("layers.empty")} />;
  return (
    <div className="work-page">
      <label className="work-line"><span>{t("work.layer")}</span>
        <Select aria-label={t("work.layer")} value={layer.id} onChange={setChosen} showSearch={{ optionFilterProp: "label" }}
          options={layers.map((each) => ({ value: each.id, label: pick(each.title, language) }))} /></label>
      <Builder key={layer.id} layer={layer} />
      {layer.kind === "spatial" && <SelectBy key={`at-${layer.id}`} layer={layer} />}
    </div>
  );
}
