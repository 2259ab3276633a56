/** How marks of plotting are drawn: by the colour, width and symbol that each of them has. */
import type { DataDrivenPropertyValueSpecification, ExpressionSpecification, FilterSpecification, LayerSpecification, Map as MapLibre } from "maplibre-gl";
import { SYMBOLS } from "../format/symbols";
import type { Drawn } from "./city";

export const MARKED = "annotation";
const IMAGE_PX = 48;

/** Draw a symbol as an image: white lines, for a disc that the map colours. */
function imageOf(path: string): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = IMAGE_PX;
  const pen = canvas.getContext("2d")!;
  pen.scale(IMAGE_PX / 24, IMAGE_PX / 24);
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 2.1;
  pen.lineJoin = pen.lineCap = "round";
  pen.stroke(new Path2D(path));
  return pen.getImageData(0, 0, IMAGE_PX, IMAGE_PX);
}

/** Give the map the symbols. */
export function addSymbols(map: MapLibre): void {
  for (const [name, path] of Object.entries(SYMBOLS)) {
    if (!map.hasImage(`mark-${name}`)) map.addImage(`mark-${name}`, imageOf(path), { pixelRatio: 2 });
  }
}

const kindIs = (kind: string) => ["==", ["get", "kind"], kind] as unknown as FilterSpecification;
const color: ExpressionSpecification = ["coalesce", ["get", "color"], "#d6336c"];
const width: ExpressionSpecification = ["coalesce", ["get", "width_px"], 3];
const isFlat = ["!=", ["geometry-type"], "Point"];

/** Return the style layers of marks, for a source of tiles or of drawn features. */
export function markLayers(prefix: string, source: string, sourceLayer?: string): LayerSpecification[] {
  const from = sourceLayer ? { source, "source-layer": sourceLayer } : { source };
  const line = (dashed: boolean): LayerSpecification => ({
    id: `${prefix}-${dashed ? "dashed" : "line"}`, type: "line", ...from,
    filter: ["all", isFlat, [dashed ? "==" : "!=", ["get", "dashed"], true]] as unknown as FilterSpecification,
    layout: { "line-join": "round", "line-cap": "round" },
    paint: { "line-color": color, "line-width": width, ...(dashed ? { "line-dasharray": [2, 1.8] } : {}) },
  });
  return [
    { id: prefix, type: "fill", ...from, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": color, "fill-opacity": ["coalesce", ["get", "opacity"], 0.25] } },
    line(false), line(true),
    {
      id: `${prefix}-disc`, type: "circle", ...from, filter: kindIs("symbol"),
      paint: { "circle-color": color, "circle-radius": ["/", width, 2] as DataDrivenPropertyValueSpecification<number>, "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.6 },
    },
    {
      id: `${prefix}-symbol`, type: "symbol", ...from, filter: kindIs("symbol"),
      layout: {
        "icon-image": ["concat", "mark-", ["coalesce", ["get", "symbol"], "pin"]], "icon-size": ["/", width, 36], "icon-allow-overlap": true,
        "text-field": ["coalesce", ["get", "title"], ""], "text-size": 13, "text-anchor": "top", "text-offset": [0, 1.4], "text-optional": true,
      },
      paint: { "text-color": color, "text-halo-color": "#ffffff", "text-halo-width": 1.8 },
    },
    {
      id: `${prefix}-text`, type: "symbol", ...from, filter: ["!=", ["get", "kind"], "symbol"],
      layout: {
        "text-field": ["coalesce", ["get", "title"], ""], "text-allow-overlap": true,
        "text-size": ["case", ["==", ["get", "kind"], "text"], width, 13] as DataDrivenPropertyValueSpecification<number>,
      },
      paint: { "text-color": color, "text-halo-color": "#ffffff", "text-halo-width": 1.8 },
    },
  ];
}

/** Draw the layer of annotations mark by mark instead of by its classes. */
export function drawMarks(map: MapLibre, drawn: Drawn): void {
  const generic = drawn.parts.get(MARKED);
  if (!generic) return;
  addSymbols(map);
  generic.forEach((part) => map.removeLayer(part.id));
  const parts = markLayers(MARKED, MARKED, MARKED);
  parts.forEach((part) => map.addLayer(part));
  drawn.parts.set(MARKED, parts);
}
