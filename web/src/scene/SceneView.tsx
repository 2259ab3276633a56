import { type Cartesian2, type CesiumWidget, ScreenSpaceEventHandler, ScreenSpaceEventType, KeyboardEventModifier } from "@cesium/engine";
import "@cesium/engine/Source/Widget/CesiumWidget.css";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { today } from "../format/instant";
import { usePreferences, useWords } from "../state/preferences";
import { useCity, useLayers, useTimeZone } from "../state/queries";
import { useLive } from "../state/refresh";
import { useSession } from "../state/session";
import { useView } from "../state/view";
import { useFlying } from "../state/flight";
import { AnalysisTools } from "./analysis/AnalysisTools";
import { begin, followFlights, reportCamera } from "./camera";
import { FlightCard } from "./FlightCard";
import { addCorner } from "./flight";
import { createGlobe, paint, TEST_MODE } from "./globe";
import { addLevelGround, addTerrain, readGrounds } from "./ground";
import { attachKeys } from "./keys";
import { useLiving } from "./living";
import { measuring } from "./measure";
import { choose, hitsAt } from "./picking";
import { useRevision } from "./revision";
import { SceneGround } from "./SceneGround";
import { SceneTools } from "./SceneTools";
import { useScene } from "./state";
import { instantOf, shine } from "./sun";
import { useStandingLook } from "./standingLook";
import { hasForm, stand, type Standing } from "./tilesets";
import { dig, seeThrough } from "./underground";

declare global {
  interface Window {
    /** Set in test mode only. */
    __scene?: { widget: CesiumWidget; standing: () => Standing[] };
  }
}

/** The scene: the city in three dimensions, above and below the ground. It meets the panels only in the view state. */
export default function SceneView() {
  const { t, language } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const [widget, setWidget] = useState<CesiumWidget | null>(null);
  const [standing, setStanding] = useState<Standing[]>([]);
  const [blank, setBlank] = useState(false);
  const [tries, setTries] = useState(0);
  const city = useCity();
  const layers = useLayers();
  const zone = useTimeZone();
  const name = useSession((session) => session.account?.username ?? "");
  const dark = usePreferences((preferences) => preferences.theme === "dark");
  const { day, knownAt } = useView((view) => view.time);
  const tool = useView((view) => view.tool);
  const { underground, pit, sun } = useScene();
  const touched = useLive((live) => live.touched);
  const formed = useMemo(() => layers.filter(hasForm), [layers]);
  const grounds = useQuery({ queryKey: ["grounds", "", name], queryFn: ({ signal }) => readGrounds(signal), staleTime: 60_000 }).data;
  const terrain = grounds?.terrain[0]?.mesh;
  const stood = formed.find((layer) => layer.fields.some((field) => field.name === "ground_elevation_m"))?.id;

  useEffect(() => {
    if (!frame.current || !city) return undefined;
    let made: CesiumWidget;
    try {
      made = createGlobe(frame.current, city, usePreferences.getState().theme === "dark");
    } catch {
      setBlank(true);
      return undefined;
    }
    begin(made, useView.getState().camera, city.center, city.zoom);
    const stop = [reportCamera(made), followFlights(made), attachKeys(made)];
    setWidget(made);
    return () => {
      stop.forEach((end) => end());
      setStanding([]);
      setWidget(null);
      delete window.__scene;
      useScene.setState({ measured: null, points: 0 });
      made.destroy();
    };
  }, [city?.id]);

  useEffect(() => (widget ? paint(widget, dark) : undefined), [widget, dark]);
  useEffect(() => {
    if (!widget || !grounds || !city || !(terrain ?? stood)) return undefined;
    const leaving = new AbortController();
    const { lon, lat } = useView.getState().camera ?? { lon: city.center[0], lat: city.center[1] };
    void (terrain ? addTerrain(widget, terrain) : addLevelGround(widget, stood!, [lon, lat], city.geoid_offset_m, leaving.signal)).then((is) => {
      if (!is || leaving.signal.aborted) return;
      // The ground comes up to what the camera looks at: once it is there, look at it anew.
      const camera = useView.getState().camera;
      const stop = widget.scene.globe.tileLoadProgressEvent.addEventListener((waiting: number) => {
        if (waiting > 0 || widget.isDestroyed()) return;
        stop();
        if (useView.getState().camera === camera) begin(widget, camera, city.center, city.zoom);
      }) as () => void;
    });
    return () => leaving.abort();
  }, [widget, terrain, stood, grounds !== undefined, city?.id]);

  // Tiles are laid anew for another reader, another known time, and after a change of their layer.
  const revision = useRevision(formed, layers, touched);
  const living = useLiving(widget, standing, formed, layers, city?.extent);
  useEffect(() => {
    if (!widget) return undefined;
    let left = false;
    let mine: Standing[] = [];
    useScene.setState({ loading: true, failed: [] });
    void Promise.allSettled(formed.map((layer) => stand(widget, layer, knownAt))).then((results) => {
      mine = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      const failed = formed.filter((_, i) => results[i]!.status === "rejected").map((layer) => layer.id);
      if (left || widget.isDestroyed()) return;
      setStanding(mine);
      useScene.setState({ loading: false, failed });
    });
    return () => {
      left = true;
      if (!widget.isDestroyed()) mine.forEach(({ tileset }) => widget.scene.primitives.remove(tileset));
      setStanding((now) => (now === mine ? [] : now));
    };
  }, [widget, formed, knownAt, name, revision, tries]);

  useStandingLook(widget, standing, layers, living);
  useEffect(() => {
    if (widget) seeThrough(widget, underground);
  }, [widget, underground]);
  useEffect(() => {
    if (!widget || !pit) return undefined;
    const at = useView.getState().camera;
    return at ? dig(widget, at.lon, at.lat) : undefined;
  }, [widget, pit]);
  useEffect(() => {
    if (widget && city) shine(widget, sun ? instantOf(day ?? today(), sun.hour, zone) : null, sun?.shadows ?? false, city.center);
  }, [widget, sun, day, zone, city?.id]);
  useEffect(() => {
    if (!widget) return undefined;
    const canvas = new ScreenSpaceEventHandler(widget.canvas);
    const measure = tool === "measure" ? measuring(widget, (measured, points) => useScene.setState({ measured, points })) : null;
    const click = (several: boolean) => ({ position }: { position: Cartesian2 }) => {
      if (useFlying.getState().drawing) {
        const place = widget.scene.pickPosition(position);
        if (place) addCorner(place);
      } else if (measure) {
        const place = widget.scene.pickPosition(position);
        if (place) measure.add(place);
      } else choose(hitsAt(widget, standing, layers, position), several);
    };
    canvas.setInputAction(click(false), ScreenSpaceEventType.LEFT_CLICK);
    canvas.setInputAction(click(true), ScreenSpaceEventType.LEFT_CLICK, KeyboardEventModifier.CTRL);
    const enter = (event: KeyboardEvent) => {
      if (event.key === "Enter") click(event.ctrlKey || event.metaKey)({ position: { x: widget.canvas.clientWidth / 2, y: widget.canvas.clientHeight / 2 } as Cartesian2 });
    };
    widget.canvas.addEventListener("keydown", enter);
    return () => {
      widget.canvas.removeEventListener("keydown", enter);
      canvas.destroy();
      measure?.stop();
      useScene.setState({ measured: null, points: 0 });
    };
  }, [widget, standing, layers, tool]);
  useEffect(() => {
    if (widget) widget.canvas.setAttribute("aria-label", t("scene.label"));
    if (widget && TEST_MODE) {
      window.__scene = { widget, standing: () => standing };
      window.__state = useView;
    }
  }, [widget, standing, language]);

  return (
    <section className="map scene" aria-label={t("scene.open")}>
      <div ref={frame} className="map-frame" data-ready={standing.length > 0} />
      <div className="map-cross" aria-hidden="true" />
      {blank && <p className="map-failed" role="alert">{t("scene.blank")}</p>}
      {widget && <SceneTools none={formed.length === 0} retry={() => setTries(tries + 1)} hasImagery={(grounds?.imagery.length ?? 0) > 0} />}
      {widget && grounds && city && <SceneGround widget={widget} grounds={grounds} city={city} />}
      {widget && <><FlightCard widget={widget} /><AnalysisTools widget={widget} standing={standing} /></>}
    </section>
  );
}
