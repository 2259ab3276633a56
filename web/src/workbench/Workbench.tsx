import { CloseOutlined, MenuOutlined, ReloadOutlined } from "../icons";
import { type KeyboardEvent, useRef } from "react";
import { later } from "../later";
import { OutsideGroup } from "../outside/OutsideGroup";
import { LayersPage } from "../panels/LayersPanel";
import { Boundary } from "../panels/Boundary";
import { Loading } from "../panels/PanelState";
import { useOutside } from "../state/outside";
import { usePreferences, useWords } from "../state/preferences";
import { useView } from "../state/view";
import { type Page, PAGES, useWorkbench } from "../state/workbench";

const OutsideAnswers = later(() => import("../outside/OutsideAnswers"));
const QueryPage = later(() => import("../query/QueryPage"), <Loading rows={6} />);
const ThemeCard = later(() => import("../thematic/ThemeCard"));
const ThemePage = later(() => import("../thematic/ThemePage"), <Loading rows={6} />);
const StatisticsPage = later(() => import("../statistics/StatisticsPage"), <Loading rows={6} />);

const BODIES: Record<Page, () => React.ReactNode> = {
  layers: () => <LayersPage below={<OutsideGroup />} />,
  query: () => <QueryPage />,
  theme: () => <ThemePage />,
  statistics: () => <StatisticsPage />,
};

/** The panel on the left, and the legend of thematic maps while their page is not open. */
export function Workbench() {
  const themed = useView((view) => Object.keys(view.work.themes).length > 0);
  const open = usePreferences((preferences) => preferences.layersOpen);
  const told = useOutside((outside) => outside.answers.length > 0);
  const page = useWorkbench((workbench) => workbench.page);
  return (
    <>
      <Panel />
      {told && <OutsideAnswers />}
      {themed && !(open && page === "theme") && <ThemeCard />}
    </>
  );
}

/** Layers, and what is worked out about them. */
function Panel() {
  const { t } = useWords();
  const { layersOpen, setLayersOpen } = usePreferences();
  const { page, setPage } = useWorkbench();
  const tabs = useRef<HTMLDivElement>(null);
  if (!layersOpen) {
    return (
      <button type="button" className="layers-opener" aria-label={`${t("layers.title")} · ${t("layers.show")}`} title={t("layers.show")} onClick={() => setLayersOpen(true)}>
        <MenuOutlined /><span>{t("layers.title")}</span>
      </button>
    );
  }
  const press = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = PAGES[(PAGES.indexOf(page) + step + PAGES.length) % PAGES.length]!;
    setPage(next);
    tabs.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <aside className="panel layers" data-covers="left" data-page={page} aria-label={t("work.tabs")}>
      <header className="panel-head work-head-bar">
        <div ref={tabs} role="tablist" aria-label={t("work.tabs")} className="work-tabs" onKeyDown={press}>
          {PAGES.map((each) => (
            <button key={each} type="button" role="tab" id={`tab-${each}`} aria-selected={page === each} aria-controls="work-page" tabIndex={page === each ? 0 : -1}
              onClick={() => setPage(each)}>{t(`work.${each}`)}</button>
          ))}
        </div>
        {page === "layers" && (
          <button type="button" className="quiet" aria-label={t("layers.reset")} title={t("layers.reset")} onClick={() => useView.getState().resetLayers()}>
            <ReloadOutlined />
          </button>
        )}
        <button type="button" className="quiet" aria-label={t("layers.hide")} title={t("layers.hide")} onClick={() => setLayersOpen(false)}>
          <CloseOutlined />
        </button>
      </header>
      <div className="panel-body" role="tabpanel" id="work-page" aria-labelledby={`tab-${page}`}>
        <Boundary key={page}>{BODIES[page]()}</Boundary>
      </div>
    </aside>
  );
}
