import { useQuery } from "@tanstack/react-query";
import type { Map as MapLibre, StyleSpecification } from "maplibre-gl";
import { useEffect, useRef, useState } from "react";
import { readStyle } from "../api/style";
import { fetchLater } from "../later";
import type { Layer } from "../api/types";
import { useDraft } from "../state/draft";
import { takeStyle } from "../state/first";
import { useWords, usePreferences } from "../state/preferences";
import { useMoments } from "../state/moment";
import { useCity, useItem, useLayers } from "../state/queries";
import { useLive } from "../state/refresh";
import { useSession } from "../state/session";
import { useView } from "../state/view";
import { type Begun, place, takeBegun } from "./begin";
import { followFlights, reportCamera } from "./camera";
import { addCity, applyFilters, applyOpacity, applyShown, applyTiles, type Drawn, redraw } from "./city";
import { useChangeMarks } from "./changes";
import { Controls } from "./Controls";
import { useChosenStyles } from "./cityStyle";
import { createMap, TEST_MODE } from "./create";
import { useDraftOverlay } from "./draftOverlay";
import { groundStyle } from "./ground";
import { useGroundOf } from "./Grounds";
import { MapFault } from "./MapFault";
import { joinMates } from "./mates";
import { addOverlay, markFaults, markFocus, markSelection } from "./overlay";
import { Worked } from "./Worked";
import { drawMarks } from "./marks";
import { PenBar } from "./PenBar";
import { attachPointer } from "./pointer";
import { Readout } from "./Readout";
import { SheetFrame } from "./SheetFrame";
import { useTimeline } from "./timeline";
import { useTool } from "./useTool";

declare global {
  interface Window {
    /** Set in test mode only. */
    __map?: MapLibre;
    __state?: typeof useView;
    __draft?: typeof useDraft;
  }
}

interface Laid {
  map: MapLibre;
  drawn: Drawn;
  layers: Layer[];
  style: StyleSpecification;
  dark: boolean;
}

const NO_FAULTS: never[] = [];

export { begin } from "./begin";

/** The map. It meets the panels only in the view state and the draft. */
export default function MapView() {
  const { t, language } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<MapLibre | null>(null);
  const [laid, setLaid] = useState<Laid | null>(null);
  const [failed, setFailed] = useState(false);
  const begun = useRef<Begun | null>(null);
  const city = useCity();
  const layers = useLayers();
  const name = useSession((session) => session.account?.username ?? "");
  const dark = usePreferences((preferences) => preferences.theme === "dark");
  const own = useQuery({
    queryKey: ["style", "", name, language], enabled: useSession((session) => session.known), staleTime: Infinity, queryFn: ({ signal }) => takeStyle(language) ?? readStyle(signal),
  });
  const style = useChosenStyles(own.data, layers, name, language);
  const moments = useMoments();
  const { shown, opacity, relief } = useView((view) => view.layers);
  const filters = useView((view) => view.filters);
  const selection = useView((view) => view.selection);
  const focus = useView((view) => view.selection[view.focus]);
  const focused = useItem(focus);
  const editing = useDraft((drafting) => drafting.draft !== null && drafting.draft.sketch !== "off");
  const faults = useDraft((drafting) => drafting.draft?.faults ?? NO_FAULTS);
  const touched = useLive((live) => live.touched);

  // What was laid for other layers, another style or theme is about to go: nothing may be done to it any more.
  const drawn = laid && laid.map === map && laid.layers === layers && laid.style === style && laid.dark === dark ? laid.drawn : null;

  useEffect(() => {
    if (!frame.current || !city) return undefined;
    let made: MapLibre | undefined;
    let over = false;
    let stop: (() => void)[] = [];
    let first: Begun | null = null;
    const end = () => {
      made?.remove();
      first?.frame.remove();
    };
    void takeBegun().then((taken) => {
      first = taken;
      made = first?.map;
      if (over) return end();
      try {
        if (first) place(first, frame.current!);
        made ??= createMap(frame.current!, city, useView.getState().camera, usePreferences.getState().theme === "dark");
      } catch {
        setFailed(true);
        return undefined;
      }
      begun.current = first;
      stop = [reportCamera(made), followFlights(made)];
      setMap(made);
      if (TEST_MODE) Object.assign(window, { __map: made, __state: useView, __draft: useDraft });
      return undefined;
    });
    return () => {
      over = true;
      stop.forEach((each) => each());
      setLaid(null);
      setMap(null);
      end();
    };
    // Another reader gets another copy of the same city: that is no reason for another map.
  }, [city?.id]);

  // The whole style is laid anew when the theme changes or another reader sees other layers.
  useEffect(() => {
    if (!map || !city || !style) return undefined;
    const first = begun.current;
    begun.current = null;
    // The first map was begun with its whole style.
    const isFirst = first?.map === map && first.style === style && first.layers === layers && first.dark === dark;
    const lay = () => {
      if (isFirst) return setLaid({ map, drawn: first.drawn, layers, style, dark });
      addOverlay(map);
      const now = addCity(map, style, layers, moments.of, dark);
      drawMarks(map, now);
      ["focus-fill", "focus-halo", "focus-line", "focus-point", "faults-point", "faults-text"].forEach((id) => map.moveLayer(id));
      return setLaid({ map, drawn: now, layers, style: style, dark });
    };
    if (isFirst && first.isLaid) lay();
    else map.once("style.load", lay);
    if (!isFirst) map.setStyle(groundStyle(city, dark), { diff: false });
    return () => {
      map.off("style.load", lay);
      setLaid(null);
    };
    // `moments` is left out on purpose: another moment changes the tiles, not the style.
  }, [map, city, style, layers, dark]);

  useEffect(() => {
    if (map && drawn) void map.once("idle", fetchLater);
  }, [map, drawn]);
  useTimeline(map, drawn, layers);
  useChangeMarks(map, drawn);
  useEffect(() => (map ? joinMates(map) : undefined), [map]);
  useEffect(() => {
    if (map && drawn) applyShown(map, drawn, layers, shown, relief);
  }, [map, drawn, layers, shown, relief]);
  useEffect(() => {
    if (map && drawn) applyOpacity(map, drawn, opacity);
  }, [map, drawn, opacity]);
  useEffect(() => {
    if (map && drawn) applyFilters(map, drawn, layers, filters, moments.timed);
  }, [map, drawn, layers, filters, moments]);
  useEffect(() => {
    if (map && drawn) applyTiles(map, drawn, layers, moments.of, filters);
  }, [map, drawn, layers, moments, filters]);
  useEffect(() => {
    if (map && drawn) markSelection(map, drawn, selection);
  }, [map, drawn, selection, relief]);
  useEffect(() => {
    if (map && drawn) markFocus(map, editing || !focus ? null : focused.data?.geometry);
  }, [map, drawn, focus, focused.data, editing]);
  useEffect(() => {
    if (map && drawn) markFaults(map, faults);
  }, [map, drawn, faults]);
  useEffect(() => {
    if (map && drawn) redraw(map, drawn, touched);
  }, [map, drawn, touched]);
  useEffect(() => (map && drawn ? attachPointer(map, drawn, layers) : undefined), [map, drawn, layers]);
  useEffect(() => {
    if (map) map.getCanvas().setAttribute("aria-label", t("map.label"));
  }, [map, language]);
  useGroundOf(map, drawn, layers, dark, opacity);
  useDraftOverlay(map, drawn);
  useTool(map);

  return (
    <section className="map" aria-label={t("map.label")}>
      <div ref={frame} className="map-frame" data-ready={drawn !== null} />
      <div className="map-cross" aria-hidden="true" />
      <MapFault blank={failed} style={own} />
      {map && <SheetFrame map={map} />}
      {map && <Readout map={map} />}
      {map && drawn && <Worked map={map} drawn={drawn} />}
      <PenBar />
      {map && city && <Controls map={map} city={city} />}
    </section>
  );
}
