import { useQuery } from "@tanstack/react-query";
import type { Map as MapLibre, StyleSpecification } from "maplibre-gl";
import { type CSSProperties, useEffect, useRef, useState } from "react";
import { readStyle } from "../api/style";
import type { Layer } from "../api/types";
import { useChangeMarks } from "../map/changes";
import { addCity, applyFilters, applyOpacity, applyShown, applyTiles, type Drawn, redraw } from "../map/city";
import { useChosenStyles } from "../map/cityStyle";
import { createMap, TEST_MODE } from "../map/create";
import { groundStyle } from "../map/ground";
import { useGroundOf } from "../map/Grounds";
import { joinMates } from "../map/mates";
import { addOverlay, markSelection } from "../map/overlay";
import { attachPointer, lendPointer } from "../map/pointer";
import { Worked } from "../map/Worked";
import { usePreferences, useWords } from "../state/preferences";
import { useCity, useLayers } from "../state/queries";
import { useLive } from "../state/refresh";
import { useSession } from "../state/session";
import type { Side, SideCamera } from "../state/sides";
import { useView } from "../state/view";

declare global {
  interface Window {
    /** The maps beside the main one, by letter; set in test mode only. */
    __panes?: Record<string, MapLibre>;
  }
}

interface Laid {
  map: MapLibre;
  layers: Layer[];
  style: StyleSpecification;
  dark: boolean;
  drawn: Drawn;
}

/** One side of the comparison: a map of its own day, layers and filters. */
export function Pane({ side, name, linked, isGlass, style: place, moved }: {
  side: Side; name: string; linked: boolean; isGlass: boolean; style?: CSSProperties; moved: (camera: SideCamera) => void;
}) {
  const { t, language } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<MapLibre | null>(null);
  const [laid, setLaid] = useState<Laid | null>(null);
  const city = useCity();
  const layers = useLayers();
  const reader = useSession((session) => session.account?.username ?? "");
  const dark = usePreferences((preferences) => preferences.theme === "dark");
  const plain = useQuery({ queryKey: ["style", "", reader, language], queryFn: ({ signal }) => readStyle(signal), staleTime: Infinity });
  const style = useChosenStyles(plain.data, layers, reader, language, side.styles ?? null, side.day);
  // What was laid for another style, other layers or theme is about to go: nothing may be done to it any more.
  const drawn = laid && laid.map === map && laid.layers === layers && laid.style === style && laid.dark === dark ? laid.drawn : null;
  const main = useView((view) => view.layers);
  const knownAt = useView((view) => view.time.knownAt);
  const selection = useView((view) => view.selection);
  const touched = useLive((live) => live.touched);
  const told = useRef(moved);
  told.current = moved;
  const shown = Object.keys(side.shown).length > 0 ? side.shown : main.shown;
  const when = () => ({ datetime: side.day ?? undefined, knownAt: knownAt ?? undefined });

  useEffect(() => {
    if (!frame.current || !city) return undefined;
    const made = createMap(frame.current, city, side.camera ?? useView.getState().camera, dark);
    made.getCanvas().setAttribute("aria-label", t("compare.side", { name }));
    made.on("moveend", () => {
      const { lng, lat } = made.getCenter();
      told.current({ lon: lng, lat, zoom: made.getZoom(), bearing: made.getBearing(), pitch: made.getPitch() });
    });
    setMap(made);
    if (TEST_MODE) window.__panes = { ...window.__panes, [name]: made };
    return () => {
      setLaid(null);
      setMap(null);
      made.remove();
      if (window.__panes) delete window.__panes[name];
    };
  }, [city?.id]);

  useEffect(() => {
    if (!map || !city || !style) return undefined;
    const lay = () => {
      addOverlay(map);
      setLaid({ map, layers, style, dark, drawn: addCity(map, style, layers, when, dark) });
    };
    map.once("style.load", lay);
    map.setStyle(groundStyle(city, dark), { diff: false });
    return () => {
      map.off("style.load", lay);
      setLaid(null);
    };
    // Another moment changes the tiles, not the style.
  }, [map, city, style, layers, dark]);

  useEffect(() => (map && linked ? joinMates(map) : undefined), [map, linked]);
  useEffect(() => {
    if (map && drawn) applyShown(map, drawn, layers, shown, main.relief);
  }, [map, drawn, layers, shown, main.relief]);
  useEffect(() => {
    if (map && drawn) applyOpacity(map, drawn, { ...main.opacity, ...side.opacity });
  }, [map, drawn, main.opacity, side.opacity]);
  useEffect(() => {
    if (map && drawn) applyFilters(map, drawn, layers, side.filters);
  }, [map, drawn, layers, side.filters]);
  useEffect(() => {
    if (map && drawn) applyTiles(map, drawn, layers, when, side.filters);
  }, [map, drawn, layers, side.day, knownAt, side.filters]);
  useEffect(() => {
    if (map && drawn) redraw(map, drawn, touched);
  }, [map, drawn, touched]);
  useEffect(() => {
    if (map && drawn) markSelection(map, drawn, selection);
  }, [map, drawn, selection]);
  useEffect(() => {
    if (!map || !drawn) return undefined;
    return (isGlass ? lendPointer : attachPointer)(map, drawn, layers, side.day);
  }, [map, drawn, layers, side.day, isGlass]);
  useGroundOf(map, drawn, layers, dark, { ...main.opacity, ...side.opacity }, side);
  useChangeMarks(map, drawn);

  return (
    <section className="pane" data-name={name} data-ready={drawn !== null} style={place} aria-label={t("compare.side", { name })}>
      <div ref={frame} className="map-frame" />
      {map && drawn && <Worked map={map} drawn={drawn} themed={side.themed} side={{ day: side.day, filters: side.filters, shown, outside: side.outside }} />}
      <span className="pane-name">{name} · {side.day ?? t("time.today")}</span>
    </section>
  );
}
