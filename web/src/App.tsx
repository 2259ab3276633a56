import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { setAnswerLanguage } from "./api/http";
import { pick } from "./format/text";
import { fetchLater, later } from "./later";
import { Boundary } from "./panels/Boundary";
import { DayBanner } from "./panels/DayBanner";
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
const SceneView = later(() => import("./scene/SceneView"), <Loading />, true);
const BigScreen = later(() => import("./statistics/BigScreen"));
const AttributeTable = later(() => import("./panels/table/AttributeTable"));
const DeskDialog = later(() => import("./admin/DeskDialog"));
const SIDE = <aside className="panel feature" data-covers="right"><div className="panel-body"><Loading rows={8} /></div></aside>;
const FeaturePanel = later(() => import("./panels/FeaturePanel"), SIDE);
const EditPanel = later(() => import("./panels/edit/EditPanel"), SIDE);
const PlotPanel = later(() => import("./plot/PlotPanel"), SIDE);
const SignInForm = later(() => import("./panels/SignInForm"));
const ConstructionCard = later(() => import("./construction/ConstructionCard"));
const Comparison = later(() => import("./compare/Comparison"));
const PrintPanel = later(() => import("./print/PrintPanel"));
const TimeBar = later(() => import("./time/TimeBar"));
const UndoDialog = later(() => import("./panels/UndoDialog"));

const DONE_MS = 20_000;

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
  const chosen = useView((view) => view.selection.length > 0);
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
        {comparing && <Boundary><Comparison /></Boundary>}
        {watching && <Boundary><ConstructionCard /></Boundary>}
        {printing && <Boundary><PrintPanel /></Boundary>}
        {clock && <Boundary><TimeBar /></Boundary>}
        <Workbench />
        {big && <Boundary><BigScreen /></Boundary>}
        <Boundary>{editing ? <EditPanel />
          : plotting ? <PlotPanel /> : chosen && <FeaturePanel />}</Boundary>
        {table !== null && <Boundary key={table}><AttributeTable id={table} /></Boundary>}
      </main>
      {form !== "closed" && <SignInForm />}
      {desk && <DeskDialog />}
      {undoing && <UndoDialog />}
      <Notices />
    </div>
  );
}

/** The client: the desk in its language and tone. */
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
  // The map says when it is done; where there is none, the view is done after a while.
  useEffect(() => {
    const timer = window.setTimeout(fetchLater, DONE_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <QueryClientProvider client={client}>
      <Desk />
    </QueryClientProvider>
  );
}
