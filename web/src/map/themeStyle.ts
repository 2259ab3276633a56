/** What a thematic map looks like, as the map wants it. */
import type { ExpressionSpecification } from "maplibre-gl";
import type { Classified, Gathered } from "../api/thematic";
import { BIVARIATE, classOf, NO_DATA, radiusOf, ramp } from "../format/palette";
import type { Theme } from "../state/work";

/** Return the colour of each feature by its number. */
export function colorsOf(theme: Theme, found: Classified): Map<number, string> {
  const colors = ramp(theme.palette, Math.max(1, found.edges.length - 1));
  const second = found.second?.fids ? new Map(found.second.fids.map((fid, i) => [fid, found.second!.values?.[i]])) : null;
  return new Map((found.fids ?? []).map((fid, i) => {
    const row = classOf(found.values?.[i], found.edges);
    const column = second ? classOf(second.get(fid), found.second!.edges) : null;
    return [fid, theme.kind === "bivariate" ? (row === null || column === null ? NO_DATA : BIVARIATE[row]![column]!) : row === null ? NO_DATA : colors[row]!];
  }));
}

/** Return the zones with their colours. */
export function zonesOf(theme: Theme, found: Classified): GeoJSON.FeatureCollection {
  const colors = colorsOf(theme, found);
  return {
    type: "FeatureCollection",
    features: (found.shapes ?? []).map(([fid, geometry]) => ({ type: "Feature", id: fid, geometry, properties: { color: colors.get(fid) ?? NO_DATA } })),
  };
}

/** Return the colour of features as an expression: by number where the server has sent the values, else by what the tiles hold. */
export function colorOf(theme: Theme, found: Classified): ExpressionSpecification | string {
  const colors = ramp(theme.palette, Math.max(1, found.edges.length - 1));
  if (found.fids && found.values) {
    const groups = new Map<string, number[]>();
    for (const [fid, color] of colorsOf(theme, found)) groups.set(color, [...(groups.get(color) ?? []), fid]);
    if (groups.size === 0) return NO_DATA;
    return ["match", ["id"], ...[...groups].flatMap(([color, fids]) => [fids, color]), NO_DATA] as unknown as ExpressionSpecification;
  }
  const { field, per } = theme.value;
  const own = ["to-number", ["get", field]];
  const value = per === "none" ? own : ["/", own, ["to-number", ["get", per.replace("own:", "")]]];
  const inner = found.edges.slice(1, -1);
  const steps = inner.length > 0 ? ["step", value, colors[0], ...inner.flatMap((edge, i) => [edge, colors[i + 1]])] : colors[0];
  return ["case", ["has", field], steps, NO_DATA] as unknown as ExpressionSpecification;
}

/** Return the places of graduated circles; the small ones on top. */
export function circlesOf(found: Classified): GeoJSON.FeatureCollection {
  const features = (found.points ?? []).flatMap((point, i): GeoJSON.Feature[] => {
    const index = classOf(found.values?.[i], found.edges);
    return index === null ? [] : [{ type: "Feature", geometry: { type: "Point", coordinates: point }, properties: { index, radius: radiusOf(index), value: found.values![i] } }];
  });
  features.sort((a, b) => b.properties!.index - a.properties!.index);
  return { type: "FeatureCollection", features };
}

/** Return the cells of a clustered map. */
export function cellsOf(found: Gathered): GeoJSON.FeatureCollection {
  const most = Math.max(1, ...found.cells.map((cell) => cell.count));
  return {
    type: "FeatureCollection",
    features: found.cells.map((cell, i) => ({
      type: "Feature", geometry: { type: "Point", coordinates: cell.center },
      properties: { count: cell.count, weight: cell.count / most, radius: 11 + 19 * Math.sqrt(cell.count / most), pie: `pie-${i}` },
    })),
  };
}

/** Draw the pie of a cell. */
export function pieOf(cell: Gathered["cells"][number], color: (value: string | null) => string, radius: number): ImageData {
  const canvas = document.createElement("canvas");
  const size = Math.ceil(radius * 2 + 4) * 2;
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d")!;
  const middle = size / 2;
  let turn = -Math.PI / 2;
  for (const each of cell.classes) {
    const next = turn + (each.count / cell.count) * 2 * Math.PI;
    pen.beginPath();
    pen.moveTo(middle, middle);
    pen.arc(middle, middle, radius * 2, turn, next);
    pen.fillStyle = color(each.value);
    pen.fill();
    turn = next;
  }
  pen.beginPath();
  pen.arc(middle, middle, radius * 2, 0, 2 * Math.PI);
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 3;
  pen.stroke();
  pen.beginPath();
  pen.arc(middle, middle, radius, 0, 2 * Math.PI);
  pen.fillStyle = "#ffffff";
  pen.fill();
  return pen.getImageData(0, 0, size, size);
}
