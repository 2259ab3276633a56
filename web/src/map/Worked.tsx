import type { Map as MapLibre } from "maplibre-gl";
import { lazy, Suspense, useEffect, useRef } from "react";
import { Opening } from "../later";
import { topDown } from "../state/layers";
import { useLayers } from "../state/queries";
import type { ThemeSide } from "../state/themes";
import { useView } from "../state/view";
import type { Drawn } from "./city";
import { ChosenMark } from "./ChosenMark";
import { PlaceMark } from "./PlaceMark";

const Growth = lazy(() => import("./Growth"));
const Outside = lazy(() => import("./Outside"));
const ThemeLayer = lazy(() => import("./ThemeLayer").then(({ ThemeLayer: made }) => ({ default: made })));

/** Lay the layers of the city in the reader's order; letters stay above all grounds. */
function applyOrder(map: MapLibre, drawn: Drawn, ids: string[]): void {
  const parts = ids.flatMap((id) => drawn.parts.get(id) ?? []).filter((part) => map.getLayer(part.id));
  const grounds = parts.filter((part) => part.type !== "symbol");
  const all = [...drawn.parts.values()].flat();
  const ceiling = map.getStyle().layers.find((layer) => layer.type === "symbol" && all.some((part) => part.id === layer.id))?.id ?? "focus-fill";
  for (const part of grounds) map.moveLayer(part.id, ceiling);
}

/** What is worked out about the city, on its map: the order of layers, thematic maps, the place that is asked about. */
export function Worked({ map, drawn, side, themed = true }: { map: MapLibre; drawn: Drawn; side?: ThemeSide; themed?: boolean }) {
  const layers = useLayers();
  const order = useView((view) => view.work.order);
  const lain = useRef<Drawn | null>(null);
  useEffect(() => {
    // As long as nobody has put them otherwise, they lie as the style has laid them.
    if (order.length === 0 && lain.current !== drawn) return;
    lain.current = drawn;
    applyOrder(map, drawn, topDown(layers, order).map((layer) => layer.id).reverse());
  }, [map, drawn, layers, order]);
  const themes = useView((view) => view.work.themes);
  const watching = useView((view) => view.watch.length > 0);
  const outside = useView((view) => view.work.outside.length > 0);
  return (
    <>
      <PlaceMark map={map} drawn={drawn} />
      <ChosenMark map={map} drawn={drawn} layers={layers} day={side?.day} />
      <Suspense fallback={<Opening />}>
        {watching && !side && <Growth map={map} drawn={drawn} />}
        {outside && <Outside map={map} drawn={drawn} chosen={side?.outside} />}
        {themed && Object.entries(themes).map(([id, theme]) => {
          const layer = layers.find((candidate) => candidate.id === id);
          return layer && <ThemeLayer key={id} map={map} drawn={drawn} layer={layer} theme={theme} side={side} />;
        })}
      </Suspense>
    </>
  );
}
