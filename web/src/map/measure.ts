/** Measure a line, or an area when it is closed. Loaded when somebody measures. */
import type { GeoJSONSource, Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import type { Position } from "geojson";
import { areaM2, lengthM } from "../format/geometry";
import { useMeasured } from "../state/measured";
import { useView } from "../state/view";

const INK = "#0b7285";
const CLOSE_PX = 10;

/** Let clicks add points to a measured line; returns how to stop. */
export function startMeasuring(map: MapLibre): () => void {
  let points: Position[] = [];
  let closed = false;
  let ended = false;

  map.addSource("measure", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addLayer({ id: "measure-fill", type: "fill", source: "measure", paint: { "fill-color": INK, "fill-opacity": 0.12 },
    filter: ["==", ["geometry-type"], "Polygon"] });
  map.addLayer({ id: "measure-line", type: "line", source: "measure", paint: { "line-color": INK, "line-width": 2.4, "line-dasharray": [2, 1] } });
  map.addLayer({ id: "measure-point", type: "circle", source: "measure", filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-radius": 4, "circle-color": "#ffffff", "circle-stroke-color": INK, "circle-stroke-width": 2 } });

  const show = (moving?: Position) => {
    const line = moving && !ended ? [...points, moving] : points;
    const shape = closed
      ? { type: "Polygon" as const, coordinates: [[...points, points[0]!]] }
      : { type: "LineString" as const, coordinates: line };
    map.getSource<GeoJSONSource>("measure")?.setData({
      type: "FeatureCollection",
      features: [
        ...(line.length > 1 ? [{ type: "Feature" as const, geometry: shape, properties: {} }] : []),
        ...points.map((coordinates) => ({ type: "Feature" as const, geometry: { type: "Point" as const, coordinates }, properties: {} })),
      ],
    });
    useMeasured.setState({
      lengthM: lengthM(closed ? [...points, points[0]!] : line),
      areaM2: closed ? areaM2([...points, points[0]!]) : null,
    });
  };
  const restart = () => {
    points = [];
    closed = ended = false;
  };
  const click = (event: MapMouseEvent) => {
    if (ended) restart();
    const first = points[0] && map.project(points[0] as [number, number]);
    if (first && points.length > 2 && Math.hypot(first.x - event.point.x, first.y - event.point.y) < CLOSE_PX) closed = ended = true;
    else points.push([event.lngLat.lng, event.lngLat.lat]);
    show();
  };
  const move = (event: MapMouseEvent) => {
    if (points.length > 0 && !ended) show([event.lngLat.lng, event.lngLat.lat]);
  };
  const finish = () => {
    // The second click of a double click has added the last point a second time.
    if (points.length > 1) points.pop();
    ended = true;
    show();
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") useView.getState().setTool("identify");
  };
  map.on("click", click);
  map.on("mousemove", move);
  map.on("dblclick", finish);
  window.addEventListener("keydown", key);
  map.getCanvas().style.cursor = "crosshair";
  return () => {
    map.off("click", click);
    map.off("mousemove", move);
    map.off("dblclick", finish);
    window.removeEventListener("keydown", key);
    map.getCanvas().style.cursor = "";
    useMeasured.setState({ lengthM: 0, areaM2: null });
    for (const id of ["measure-fill", "measure-line", "measure-point"]) if (map.getLayer(id)) map.removeLayer(id);
    if (map.getSource("measure")) map.removeSource("measure");
  };
}
