import type { Map as MapLibre } from "maplibre-gl";
import { useEffect, useState } from "react";
import { useSheet } from "../state/sheet";

const EARTH_M = 40_075_016.686;

/** The frame of the sheet that is being set up, in the middle of the map: what is inside will be printed. */
export function SheetFrame({ map }: { map: MapLibre }) {
  const frame = useSheet((sheet) => sheet.frame);
  const [pixel, setPixel] = useState(1);
  useEffect(() => {
    if (!frame) return undefined;
    const measure = () => setPixel((EARTH_M * Math.cos((map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** map.getZoom()));
    measure();
    map.on("move", measure);
    return () => {
      map.off("move", measure);
    };
  }, [map, frame]);
  if (!frame) return null;
  return <div className="sheet-frame" data-pixel={pixel} style={{ width: frame.width_m / pixel, height: frame.height_m / pixel }} aria-hidden="true" />;
}
