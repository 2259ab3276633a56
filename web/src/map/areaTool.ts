/** Draw an area to ask about: a rectangle, a polygon, a circle. Loaded when somebody draws one. */
import type { Position } from "geojson";
import type { GeoJSONSource, Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { lengthM } from "../format/geometry";
import { usePen } from "../state/pen";
import { useShape } from "../state/place";
import { useView } from "../state/view";
import type { Place } from "../state/work";
import { isAt, positionOf, takePen } from "./pen";

const INK = "#0b7285";
const CORNERS = 48;

function rounded([x, y]: Position): Position {
  return [Number(x!.toFixed(7)), Number(y!.toFixed(7))];
}

function boxOf(a: Position, b: Position): Position[] {
  const [x1, x2, y1, y2] = [Math.min(a[0]!, b[0]!), Math.max(a[0]!, b[0]!), Math.min(a[1]!, b[1]!), Math.max(a[1]!, b[1]!)];
  return [[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]];
}

/** What the circle will look like; the server makes it exactly. */
function circleOf(centre: Position, radiusM: number): Position[] {
  const dy = radiusM / 111_320;
  const dx = dy / Math.cos((centre[1]! * Math.PI) / 180);
  return Array.from({ length: CORNERS + 1 }, (_, i) => {
    const turn = (i / CORNERS) * 2 * Math.PI;
    return [centre[0]! + dx * Math.cos(turn), centre[1]! + dy * Math.sin(turn)];
  });
}

/** Let clicks draw the shape that is wished for; returns how to stop. */
export function startArea(map: MapLibre): () => void {
  let points: Position[] = [];
  const lay = () => {
    map.addSource("drawn-area", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    map.addLayer({ id: "drawn-area-fill", type: "fill", source: "drawn-area", paint: { "fill-color": INK, "fill-opacity": 0.14 } });
    map.addLayer({ id: "drawn-area-line", type: "line", source: "drawn-area", paint: { "line-color": INK, "line-width": 2 } });
  };

  const show = (moving: Position) => {
    const { shape } = useShape.getState();
    const [first] = points;
    const ring = !first ? [] : shape === "rectangle" ? boxOf(first, moving)
      : shape === "circle" ? circleOf(first, lengthM([first, moving])) : [...points, moving, first];
    map.getSource<GeoJSONSource>("drawn-area")?.setData({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } });
  };
  const finish = (place: Place) => {
    const { setWork, setTool } = useView.getState();
    setWork({ place });
    setTool("identify");
  };
  const polygon = () => {
    if (points.length > 2) finish({ kind: "area", geometry: { type: "Polygon", coordinates: [[...points, points[0]!].map(rounded)] } });
  };
  const back = () => {
    points.pop();
    usePen.setState({ count: points.length, finish: null });
    if (points.length > 0) show(points.at(-1)!);
  };
  const click = (event: MapMouseEvent) => {
    const here = positionOf(event.lngLat);
    const [first] = points;
    const { shape } = useShape.getState();
    if (first && shape === "rectangle") {
      if (first[0] !== here[0] && first[1] !== here[1]) finish({ kind: "area", geometry: { type: "Polygon", coordinates: [boxOf(first, here).map(rounded)] } });
    } else if (first && shape === "circle") {
      finish({ kind: "area", geometry: { type: "Point", coordinates: rounded(first) }, bufferM: Math.max(1, Math.round(lengthM([first, here]))) });
    } else if (first && points.length > 2 && isAt(map, first, event.point)) polygon();
    else if (!first || shape === "polygon") points.push(here);
    usePen.setState({ count: points.length, back, finish: shape === "polygon" && points.length > 2 ? polygon : null });
    show(here);
  };
  const move = (event: MapMouseEvent) => show(positionOf(event.lngLat));
  const double = () => {
    // The second click of a double click has added the last point a second time.
    if (useShape.getState().shape !== "polygon") return;
    points.pop();
    polygon();
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") useView.getState().setTool("identify");
  };
  const again = useShape.subscribe(() => { points = []; });
  const away = takePen(map, { source: "drawn-area", lay, on: { click, mousemove: move, dblclick: double }, key });
  return () => {
    again();
    away();
  };
}
