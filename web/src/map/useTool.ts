import type { Map as MapLibre } from "maplibre-gl";
import { useEffect } from "react";
import { useDraft } from "../state/draft";
import { useView } from "../state/view";

/** Run the tool that the view names; what it needs is loaded only then. */
export function useTool(map: MapLibre | null): void {
  const tool = useView((view) => view.tool);
  const sketch = useDraft((drafting) => drafting.draft?.sketch ?? "off");
  const drawing = sketch !== "off";

  useEffect(() => {
    if (drawing) useView.getState().setTool("draw");
    else if (useView.getState().tool === "draw") useView.getState().setTool("identify");
  }, [drawing]);

  useEffect(() => {
    if (!map || tool === "identify") return undefined;
    let end: (() => void) | null = null;
    let ended = false;
    const load = tool === "measure"
      ? import("./measure").then(({ startMeasuring }) => startMeasuring(map))
      : tool === "plot" ? import("./plotTool").then(({ startPlotting }) => startPlotting(map))
      : tool === "area" ? import("./areaTool").then(({ startArea }) => startArea(map))
        : import("./sketch").then(({ startSketching }) => startSketching(map));
    void load.then((stop) => {
      if (ended) stop();
      else end = stop;
    });
    map.doubleClickZoom.disable();
    return () => {
      ended = true;
      end?.();
      map.doubleClickZoom.enable();
    };
  }, [map, tool]);
}
