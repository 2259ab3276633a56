import type { Map as MapLibre } from "maplibre-gl";
import { useEffect } from "react";
import type { Layer } from "../api/types";
import { yearsOf } from "../format/spans";
import { pick } from "../format/text";
import { type Ground, GROUNDS, useGround } from "../state/ground";
import { useWords } from "../state/preferences";
import { useLive } from "../state/refresh";
import { useView } from "../state/view";
import { layGround, letThrough, redrawGround } from "./basemap";
import type { Drawn } from "./city";

const SHAPES: Record<Ground, string> = {
  paper: "M4 6.5 9.5 4l5 2.5L20 4v13.5L14.5 20l-5-2.5L4 20zM9.5 4v13.5M14.5 6.5V20",
  imagery: "M4 5h16v14H4zM4 16l5-5 4 4 3-2.5 4 3.5M15.5 9.5h.01",
  terrain: "M2.5 18.5 9 7l4 6.5 2.5-3.5 6 8.5zM9 7l-1.5 5 2 1 1.5-1.5 2 2",
};

/** Lay the chosen ground under the city's layers, for the day that is shown; `side` is a pane with a day and a ground of its own. */
export function useGroundOf(map: MapLibre | null, drawn: Drawn | null, layers: Layer[], dark: boolean, opacity: Record<string, number>,
  side?: { day: string | null; ground: Ground | null }): void {
  const laid = useGround(side);
  const touched = useLive((live) => live.touched);
  const { ground, asked } = laid;
  const tiles = ground === "imagery" ? laid.imagery?.tiles : ground === "terrain" ? laid.terrain?.tiles : "";
  useEffect(() => {
    if (map && drawn) layGround(map, drawn, layers, laid, dark);
  }, [map, drawn, ground, asked, tiles]);
  // After the opacity that the reader has chosen, which it goes by.
  useEffect(() => {
    if (map && drawn) letThrough(map, drawn, laid, opacity);
  }, [map, drawn, ground, opacity]);
  useEffect(() => {
    if (map && drawn) redrawGround(map, laid, touched);
  }, [map, drawn, touched]);
}

/** Buttons that choose what lies under the map, and a word about its picture. */
export function Grounds() {
  const { t, language } = useWords();
  const { ground, imagery, terrain, shown } = useGround();
  const offered = GROUNDS.filter((each) => each === "paper" || (each === "imagery" ? imagery : terrain));
  if (offered.length < 2) return null;
  const [top] = shown;
  const source = ground === "imagery" ? imagery : terrain;
  const words = ground === "paper" ? "" : !top ? t("ground.none")
    : [pick(source!.title, language), yearsOf(top), top.attribution].filter(Boolean).join(" · ");
  return (
    <>
      <div className="map-buttons" role="group" aria-label={t("ground.label")}>
        {offered.map((each) => (
          <button key={each} type="button" className="map-button" aria-label={t(`ground.${each}`)} title={t(`ground.${each}`)}
            aria-pressed={ground === each} data-ground={each} onClick={() => useView.getState().setGround(each)}>
            <svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinejoin="round"
              strokeLinecap="round" aria-hidden="true"><path d={SHAPES[each]} /></svg>
          </button>
        ))}
      </div>
      <p className="ground-note" role="status">{words}</p>
    </>
  );
}
