import type { Map as MapLibre } from "maplibre-gl";
import { useEffect, useState } from "react";
import { later } from "../later";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

const MeasureList = later(() => import("./MeasureList"));

const STEPS = [1, 2, 5];
const WIDEST_PX = 96;

/** Return a round length in metres and how many pixels it takes at the middle of the map. */
function scaleOf(map: MapLibre): { metres: number; pixels: number } {
  const metresPerPixel = (40075016.686 * Math.cos((map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** map.getZoom());
  const most = metresPerPixel * WIDEST_PX;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = power * Math.max(...STEPS.filter((step) => step * power <= most));
  return { metres, pixels: metres / metresPerPixel };
}

/** Scale bar, zoom level and coordinates; a bar on top while tiles are on their way. */
export function Readout({ map }: { map: MapLibre }) {
  const { t } = useWords();
  const tool = useView((view) => view.tool);
  const [scale, setScale] = useState(() => scaleOf(map));
  const [zoom, setZoom] = useState(map.getZoom());
  const [at, setAt] = useState<{ lng: number; lat: number }>(map.getCenter());
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let timer = 0;
    const move = () => {
      setScale(scaleOf(map));
      setZoom(map.getZoom());
    };
    let pointed = false;
    const pointer = (event: { lngLat: { lng: number; lat: number } }) => {
      pointed = true;
      setAt({ lng: event.lngLat.lng, lat: event.lngLat.lat });
    };
    // Where nothing points, the middle of the map is told, also after it was flown elsewhere.
    const rest = () => {
      if (!pointed) setAt(map.getCenter());
    };
    const left = () => {
      pointed = false;
      rest();
    };
    const loading = () => {
      timer ||= window.setTimeout(() => setBusy(!map.areTilesLoaded()), 500);
    };
    const idle = () => {
      window.clearTimeout(timer);
      timer = 0;
      setBusy(false);
    };
    map.on("move", move);
    map.on("mousemove", pointer);
    map.on("mouseout", left);
    map.on("moveend", rest);
    map.on("dataloading", loading);
    map.on("idle", idle);
    return () => {
      idle();
      map.off("move", move);
      map.off("mousemove", pointer);
      map.off("mouseout", left);
      map.off("moveend", rest);
      map.off("dataloading", loading);
      map.off("idle", idle);
    };
  }, [map]);

  const label = scale.metres >= 1000 ? `${scale.metres / 1000} km` : `${scale.metres} m`;
  return (
    <>
      {busy && <div className="map-busy" role="progressbar" aria-label={t("common.loading")} />}
      {tool === "measure" && <MeasureList />}
      <div className="readout">
        <div className="scale" style={{ width: scale.pixels }}>{label}</div>
        <output className="readout-text">
          {at.lng.toFixed(5)}, {at.lat.toFixed(5)}
          <span>{t("map.zoom")} {zoom.toFixed(1)}</span>
        </output>
      </div>
    </>
  );
}
