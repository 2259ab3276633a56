import { QueryClientProvider } from "@tanstack/react-query";
import ConfigProvider from "antd/es/config-provider";
import type { Locale } from "antd/es/locale";
import enGB from "antd/es/locale/en_GB";
import zhCN from "antd/es/locale/zh_CN";
import theme from "antd/es/theme";
import { lazy, Suspense, useEffect } from "react";
import { setAnswerLanguage } from "./api/http";
import { pick } from "./format/text";
import { Boundary } from "./panels/Boundary";
import { DayBanner } from "./panels/DayBanner";
import { FeaturePanel } from "./panels/FeaturePanel";
import { Notices } from "./panels/Notices";
import { Failure, Loading } from "./panels/PanelState";
import { TopBar } from "./panels/TopBar";
import { Workbench } from "./workbench/Workbench";
import { useUndo } from "./panels/undo";
import { useKept } from "./panels/useKept";
import { useKeys } from "./panels/useKeys";
import { useClock } from "./state/clock";
import { useDesk } from "./state/desk";
import { useDraft } from "./state/draft";
import { usePreferences, useWords } from "./state/preferences";
import { client, useConfig } from "./state/queries";
import { keepFresh } from "./state/refresh";
import { readerOf, useSession, watchSession } from "./state/session";
import { useSheet } from "./state/sheet";
import { useView } from "./state/view";

const MapView = lazy(() => import("./map/MapView"));
const SceneView = lazy(() => import("./scene/SceneView"));
const BigScreen = lazy(() => import("./statistics/BigScreen"));
const AttributeTable = lazy(() => import("./panels/table/AttributeTable"));
const DeskDialog = lazy(() => import("./admin/DeskDialog"));
const EditPanel = lazy(() => import("./panels/edit/EditPanel"));
const PlotPanel = lazy(() => import("./plot/PlotPanel"));
const SignInForm = lazy(() => import("./panels/SignInForm"));
const ConstructionCard = lazy(() => import("./construction/ConstructionCard"));
const Comparison = lazy(() => import("./compare/Comparison"));
const PrintPanel = lazy(() => import("./print/PrintPanel"));
const TimeBar = lazy(() => import("./time/TimeBar"));
const UndoDialog = lazy(() => import("./panels/UndoDialog"));

const LOCALES: Record<string, Locale> = { zh: zhCN, en: enGB };
// Light enough to be told from what was filled in, dark enough to be read.
const FAINT = { light: "#68737d", dark: "#9aa7b3" };
const ACCENT = { light: "#17609e", dark: "#74b4e8" };

function Desk() {
  const { t, language } = useWords();
  const config = useConfig();
  const table = useView((view) => view.table);
  const scene = useView((view) => view.scene);
  const plotting = useView((view) => view.tool === "plot");
  const editing = useDraft((drafting) => drafting.draft !== null);
  const undoing = useUndo((undo) => undo.seq !== null);
  const desk = useDesk((open) => open.panel !== null);
  const form = useSession((session) => session.form);
  const big = usePreferences((preferences) => preferences.display === "big");
  const clock = useClock(({ open }) => open);
  const comparing = useView((view) => view.compare !== null);
  const printing = useSheet((sheet) => sheet.open);
  const watching = useView((view) => view.watch.length > 0);
  useKeys();
  useKept();
  const name = useSession(readerOf);
  // Another reader sees other layers and fields: nothing that was read for the one before may stay.
  useEffect(() => {
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "config", type: "inactive" });
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "config" });
    return keepFresh();
  }, [name]);
  useEffect(watchSession, []);
  useEffect(() => {
    if (config.data) document.title = t("app.title", { city: pick(config.data.city.title, language) });
  }, [config.data, language]);

  if (config.isError && !config.data) {
    return (
      <main className="start">
        <h1>{t("error.start")}</h1>
        <Failure error={config.error} retry={() => void config.refetch()} />
      </main>
    );
  }
  return (
    <div className="desk" data-table={table !== null}>
      <TopBar />
      <main className="stage">
        <Boundary><Suspense fallback={<Loading />}>{scene ? <SceneView /> : <MapView />}</Suspense></Boundary>
        <DayBanner />
        {comparing && <Boundary><Suspense fallback={null}><Comparison /></Suspense></Boundary>}
        {watching && <Boundary><Suspense fallback={null}><ConstructionCard /></Suspense></Boundary>}
        {printing && <Boundary><Suspense fallback={null}><PrintPanel /></Suspense></Boundary>}
        {clock && <Boundary><Suspense fallback={null}><TimeBar /></Suspense></Boundary>}
        <Workbench />
        {big && <Boundary><Suspense fallback={null}><BigScreen /></Suspense></Boundary>}
        <Boundary>{editing ? <Suspense fallback={<Loading />}><EditPanel /></Suspense>
          : plotting ? <Suspense fallback={<Loading />}><PlotPanel /></Suspense> : <FeaturePanel />}</Boundary>
        {table !== null && <Boundary key={table}><Suspense fallback={<Loading />}><AttributeTable id={table} /></Suspense></Boundary>}
      </main>
      {form !== "closed" && <Suspense fallback={null}><SignInForm /></Suspense>}
      {desk && <Suspense fallback={null}><DeskDialog /></Suspense>}
      {undoing && <Suspense fallback={null}><UndoDialog /></Suspense>}
      <Notices />
    </div>
  );
}

/** The client: theme and language around the desk. */
export function App() {
  const { language, theme: tone, display } = usePreferences();
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    setAnswerLanguage(language);
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset.theme = tone;
    document.documentElement.dataset.display = display;
  }, [tone, display]);
  return (
    <ConfigProvider
      locale={LOCALES[language]}
      componentSize="small"
      button={{ autoInsertSpace: false }}
      theme={{
        algorithm: tone === "dark" ? theme.darkAlgorithm : theme.defaultAlgorithm,
        token: { colorPrimary: ACCENT[tone], colorTextPlaceholder: FAINT[tone], borderRadius: 6, fontSize: display === "big" ? 17 : 13, fontFamily: "inherit", colorLink: ACCENT[tone] },
        // By night the accent is light, and letters on it have to be dark.
        components: { Button: { primaryColor: tone === "dark" ? "#0b1721" : "#ffffff" } },
      }}
    >
      <QueryClientProvider client={client}>
        <Desk />
      </QueryClientProvider>
    </ConfigProvider>
  );
}
