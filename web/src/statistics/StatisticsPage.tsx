import { PlusOutlined } from "../icons";
import Button from "antd/es/button";
import { useState } from "react";
import { PlacePicker } from "../panels/PlacePicker";
import { Empty } from "../panels/PanelState";
import { shownByDefault } from "../state/layers";
import { useWhere } from "../state/place";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";
import type { Rule } from "../state/work";
import { AddChart } from "./AddChart";
import { ChartCard } from "./ChartCard";
import { Overview } from "./Overview";
import "../styles/statistics.css";

const RULES: Rule[] = ["intersects", "centroid", "area_weighted"];

/** Numbers of a part of the city, and charts that filter map and table. */
export default function StatisticsPage() {
  const { t } = useWords();
  const layers = useLayers();
  const where = useWhere();
  const shown = useView((view) => view.layers.shown);
  const { charts, rule } = useView((view) => view.work);
  const { day, until } = useView((view) => view.time);
  const [adding, setAdding] = useState(false);
  const { setWork } = useView.getState();
  const counted = layers.filter((layer) => layer.kind === "spatial" && (shown[layer.id] ?? shownByDefault(layer)));
  const stored = layers.filter((layer) => layer.kind !== "coverage" && layer.kind !== "relation");
  return (
    <div className="work-page">
      <PlacePicker rules={RULES} rule={rule} setRule={(next) => setWork({ rule: next })} />
      <h3 className="work-head">{t("stats.summary")}<small>{day ? t("stats.asOf", { day }) : t("stats.now")}</small></h3>
      {day && until && <p className="place-hint">{t("stats.interval", { day, until })}</p>}
      <Overview layers={counted} where={where && rule === "within" ? { ...where, rule: "intersects" } : where} />
      <h3 className="work-head">{t("charts.title")}
        <Button icon={<PlusOutlined />} onClick={() => setAdding(!adding)} aria-expanded={adding}>{t("charts.add")}</Button>
      </h3>
      {adding && stored.length > 0 && <AddChart layers={stored} done={() => setAdding(false)} />}
      {charts.length === 0 && !adding && <Empty title={t("charts.empty")} hint={t("charts.emptyHint")} />}
      {charts.map((spec) => {
        const layer = stored.find((candidate) => candidate.id === spec.layer);
        return layer && <ChartCard key={spec.id} spec={spec} layer={layer} remove={() => setWork({ charts: charts.filter((other) => other.id !== spec.id) })} />;
      })}
    </div>
  );
}
