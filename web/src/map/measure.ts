/** Measure lines, and areas where they are closed; results are the server's. Loaded when somebody measures. */
import type { Feature, Position } from "geojson";
import type { GeoJSONSource, Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { positionsOf } from "../format/geometry";
import { useMeasured } from "../state/measured";
import { usePen } from "../state/pen";
import { useView } from "../state/view";
import { isAt, isForField, isStepBack, positionOf, takePen, underCross } from "./pen";


/** Let clicks add points to a measured line; returns how to stop. */
export function startMeasuring(map: MapLibre): () => void {
  let points: Position[] = [];
  const ink = document.documentElement.dataset.theme === "dark" ? "#3bc9db" : "#0b7285";

  const lay = () => {
    map.addSource("measure", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    map.addLayer({ id: "measure-fill", type: "fill", source: "measure", paint: { "fill-color": ink, "fill-opacity": 0.12 },
      filter: ["==", ["geometry-type"], "Polygon"] });
    map.addLayer({ id: "measure-line", type: "line", source: "measure", paint: { "line-color": ink, "line-width": 2.4, "line-dasharray": [2, 1] } });
    map.addLayer({ id: "measure-point", type: "circle", source: "measure", filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-radius": 4, "circle-color": "#ffffff", "circle-stroke-color": ink, "circle-stroke-width": 2 } });
    map.addLayer({ id: "measure-number", type: "symbol", source: "measure", filter: ["has", "number"],
      layout: { "text-field": ["to-string", ["get", "number"]], "text-size": 14, "text-offset": [0, -1.1], "text-allow-overlap": true },
      paint: { "text-color": ink, "text-halo-color": "#ffffff", "text-halo-width": 2 } });
  };
  const show = () => {
    const { done, drawing } = useMeasured.getState();
    const point = (coordinates: Position, properties = {}): Feature => ({ type: "Feature", geometry: { type: "Point", coordinates }, properties });
    map.getSource<GeoJSONSource>("measure")?.setData({
      type: "FeatureCollection",
      features: [
        ...done.flatMap(({ geometry, number }): Feature[] => {
          const positions = positionsOf(geometry);
          return [{ type: "Feature", geometry, properties: {} }, ...positions.map((position, index) => point(position, index === 0 ? { number } : {}))];
        }),
        ...(drawing.length > 1 ? [{ type: "Feature" as const, geometry: { type: "LineString" as const, coordinates: drawing }, properties: {} }] : []),
        ...points.map((position) => point(position)),
      ],
    });
  };
  const draw = (moving?: Position) => {
    useMeasured.setState({ drawing: points.length === 0 ? [] : moving ? [...points, moving] : points });
    usePen.setState({ count: points.length, back, finish: points.length > 1 ? end : null });
  };
  const end = () => finish(false);
  const back = () => {
    points = points.slice(0, -1);
    draw();
  };
  const finish = (closed: boolean) => {
    const line = points;
    points = [];
    if (line.length > 1) useMeasured.getState().finish(line, closed);
    draw();
  };
  const put = (position: Position, at: { x: number; y: number }) => {
    if (points.length > 2 && isAt(map, points[0]!, at)) return finish(true);
    points = [...points, position];
    return draw();
  };
  const click = (event: MapMouseEvent) => {
    // The second click of a double click is no point of its own.
    if (event.originalEvent.detail < 2) put(positionOf(event.lngLat), event.point);
  };
  const move = (event: MapMouseEvent) => {
    if (points.length > 0) draw(positionOf(event.lngLat));
  };
  const key = (event: KeyboardEvent) => {
    if (isForField(event) && event.key !== "Escape") return;
    if (event.key === "Escape") {
      if (points.length === 0) useView.getState().setTool("identify");
      points = [];
      draw();
    } else if (event.key === "Enter") finish(event.shiftKey && points.length > 2);
    else if (event.key === "Backspace" || isStepBack(event)) {
      event.preventDefault();
      back();
    } else if (event.key === " ") {
      event.preventDefault();
      put(underCross(map), map.project(map.getCenter()));
    }
  };
  const away = takePen(map, { source: "measure", lay, on: { click, mousemove: move, dblclick: end }, key });
  const stop = useMeasured.subscribe(show);
  show();
  return () => {
    stop();
    away();
    useMeasured.setState({ drawing: [] });
  };
}
