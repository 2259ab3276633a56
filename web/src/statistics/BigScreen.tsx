import Select from "antd/es/select";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { readView, readViews } from "../api/views";
import type { Layer } from "../api/types";
import { pick } from "../format/text";
import { CloseOutlined, MoonOutlined, SunOutlined } from "../icons";
import { restoreKept } from "../state/kept";
import { shownByDefault } from "../state/layers";
import { useWhere } from "../state/place";
import { usePreferences, useWords } from "../state/preferences";
import { client, useCity, useLayers } from "../state/queries";
import { useSession } from "../state/session";
import { useView } from "../state/view";
import type { ChartSpec } from "../state/work";
import { ChartCard } from "./ChartCard";
import { Overview } from "./Overview";
import "../styles/statistics.css";
import "../styles/big.css";

const REFRESH_S = [30, 60, 300];
const MOST_CARDS = 4;

// What the bureau is there for comes first.
const FIRST_GROUPS = ["housing", "construction"];

/** What is shown where nobody has put charts together: each of some shown layers by the field it is drawn by. */
function firstCharts(layers: Layer[]): ChartSpec[] {
  const rank = (layer: Layer) => (FIRST_GROUPS.indexOf(layer.group) + FIRST_GROUPS.length + 1) % (FIRST_GROUPS.length + 1);
  return [...layers].sort((a, b) => rank(a) - rank(b)).filter((layer) => layer.symbology?.field && layer.fields.some((field) => field.name === layer.symbology!.field && field.type === "code"))
    .slice(0, 2).map((layer) => ({ id: `big-${layer.id}`, layer: layer.id, by: layer.symbology!.field!, kind: "bar", measure: "count" }));
}

function useClockText(): string {
  const language = usePreferences((preferences) => preferences.language);
  const zone = useCity()?.time_zone;
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(new Date()), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return now.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { timeZone: zone, hour12: false, dateStyle: "medium", timeStyle: "medium" });
}

/** Which bookmark is on show: its map, filters and charts. Only what the reader may open is offered. */
function Dashboards() {
  const { t } = useWords();
  const account = useSession((session) => session.account?.username ?? "");
  const views = useQuery({ queryKey: ["views", account], queryFn: ({ signal }) => readViews(signal), enabled: account !== "" });
  const [chosen, setChosen] = useState<string | null>(null);
  if (!views.data || views.data.length === 0) return null;
  return (
    <Select aria-label={t("big.dashboard")} placeholder={t("big.dashboard")} value={chosen} popupMatchSelectWidth={false}
      onChange={(id) => { setChosen(id); void readView(id).then(restoreKept); }}
      options={views.data.map((view) => ({ value: view.id, label: view.title }))} />
  );
}

/** The display for a wall: the map, large figures and charts that renew themselves, and nothing to operate it by but a few buttons. */
export default function BigScreen() {
  const { t, language } = useWords();
  const { theme, setTheme, setDisplay } = usePreferences();
  const city = useCity();
  const layers = useLayers();
  const where = useWhere();
  const shown = useView((view) => view.layers.shown);
  const charts = useView((view) => view.work.charts);
  const clock = useClockText();
  const [everyS, setEveryS] = useState(60);
  const visible = layers.filter((layer) => layer.kind === "spatial" && (shown[layer.id] ?? shownByDefault(layer)));
  const specs = (charts.length > 0 ? charts : firstCharts(visible)).slice(0, MOST_CARDS);

  useEffect(() => {
    const renew = () => void client.invalidateQueries({ predicate: ({ queryKey }) => ["statistics", "theme", "legend"].includes(String(queryKey[0])) });
    const timer = window.setInterval(renew, everyS * 1000);
    return () => window.clearInterval(timer);
  }, [everyS]);
  useEffect(() => {
    // A browser lets a page fill the screen only on a key or a click; where it does not, the display is large all the same.
    void document.documentElement.requestFullscreen?.().catch(() => undefined);
    const left = () => {
      if (!document.fullscreenElement) setDisplay("desk");
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !document.querySelector(".ant-select-open")) setDisplay("desk");
    };
    document.addEventListener("fullscreenchange", left);
    window.addEventListener("keydown", key);
    return () => {
      document.removeEventListener("fullscreenchange", left);
      window.removeEventListener("keydown", key);
      if (document.fullscreenElement) void document.exitFullscreen();
    };
  }, [setDisplay]);

  const dark = theme === "dark";
  return (
    <section className="big" aria-label={t("big.title")}>
      <header className="big-head">
        <h1>{city ? t("app.title", { city: pick(city.title, language) }) : ""}</h1>
        <time>{clock}</time>
        <span className="spring" />
        <Dashboards />
        <Select aria-label={t("big.refresh")} value={everyS} onChange={setEveryS} popupMatchSelectWidth={false}
          options={REFRESH_S.map((value) => ({ value, label: t("big.every", { count: value }) }))} />
        <button type="button" className="quiet" aria-label={t(dark ? "settings.light" : "settings.dark")} onClick={() => setTheme(dark ? "light" : "dark")}>
          {dark ? <SunOutlined /> : <MoonOutlined />}
        </button>
        <button type="button" className="quiet" aria-label={t("big.leave")} title={`${t("big.leave")} (Esc)`} onClick={() => setDisplay("desk")}><CloseOutlined /></button>
      </header>
      <div className="big-cards" data-covers="right" tabIndex={0} role="group" aria-label={t("charts.title")}>
        <article className="card"><Overview layers={visible.slice(0, 8)} where={where} /></article>
        {specs.map((spec) => {
          const layer = layers.find((each) => each.id === spec.layer);
          return layer && <ChartCard key={spec.id} spec={spec} layer={layer} remove={null} />;
        })}
      </div>
    </section>
  );
}
