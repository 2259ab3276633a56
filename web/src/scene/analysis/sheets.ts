/** Surfaces of analyses on the scene: the viewshed draped over ground and roofs, the sheet of a section, the pit. */
import {
  Cartesian3, Cartographic, Color, ColorGeometryInstanceAttribute, EllipsoidSurfaceAppearance, GeometryInstance,
  GroundPrimitive, Material, PerInstanceColorAppearance, PolygonGeometry, PolygonHierarchy, Primitive, Rectangle, RectangleGeometry, WallGeometry,
} from "@cesium/engine";
import type { MultiPolygon } from "geojson";
import type { Spot } from "../../state/analysis";
import { cutsOf } from "../cuts";
import { type Board, GREEN, RED } from "./lines";
import type { EarthworkResult, SectionResult, ViewshedResult } from "./results";

const MOST_PX = 2048;
const OPACITY = 0.5;

function bounds(...shapes: MultiPolygon[]): [number, number, number, number] {
  const found: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of shapes.flatMap((shape) => shape.coordinates.flat(2)) as [number, number][]) {
    found[0] = Math.min(found[0], x);
    found[1] = Math.min(found[1], y);
    found[2] = Math.max(found[2], x);
    found[3] = Math.max(found[3], y);
  }
  return found;
}

/** Drape what is seen and what is hidden over everything. */
export function drapeViewshed(board: Board, { visible, hidden, radius_m, cell_m }: ViewshedResult): void {
  const [west, south, east, north] = bounds(visible, hidden);
  if (!(east > west && north > south)) return;
  const canvas = document.createElement("canvas");
  const size = Math.min(MOST_PX, Math.max(256, Math.ceil((2 * radius_m) / cell_m) * 4));
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext("2d")!;
  const fill = (shape: MultiPolygon, color: string) => {
    pen.fillStyle = color;
    pen.beginPath();
    for (const ring of shape.coordinates.flat()) {
      ring.forEach(([x, y], i) => {
        const at = [((x! - west) / (east - west)) * size, ((north - y!) / (north - south)) * size] as const;
        if (i === 0) pen.moveTo(...at);
        else pen.lineTo(...at);
      });
      pen.closePath();
    }
    pen.fill("evenodd");
  };
  fill(hidden, RED);
  fill(visible, GREEN);
  const image = Material.fromType("Image", { image: canvas, color: new Color(1, 1, 1, OPACITY) });
  board.on.add(new GroundPrimitive({
    geometryInstances: new GeometryInstance({ geometry: new RectangleGeometry({ rectangle: Rectangle.fromDegrees(west, south, east, north), vertexFormat: EllipsoidSurfaceAppearance.VERTEX_FORMAT }) }),
    appearance: new EllipsoidSurfaceAppearance({ material: image, aboveGround: false }),
    asynchronous: false, allowPicking: false,
  }));
}

function coloured(css: string, alpha = 1): { color: ColorGeometryInstanceAttribute } {
  return { color: ColorGeometryInstanceAttribute.fromColor(Color.fromCssColorString(css).withAlpha(alpha)) };
}

/** Stand a sheet of glass where a section is. */
export function standSheet(board: Board, { line, lowest_m, highest_m, cuts }: SectionResult): void {
  const low = (lowest_m ?? 0) - 8 + board.geoid_m;
  const high = Math.max(highest_m ?? 0, ...cuts.map((cut) => cut.top_elevation_m)) + 6 + board.geoid_m;
  const geometry = new WallGeometry({
    positions: Cartesian3.fromDegreesArray(line.flatMap(([lon, lat]) => [lon, lat])),
    minimumHeights: line.map(() => low),
    maximumHeights: line.map(() => high),
    vertexFormat: PerInstanceColorAppearance.FLAT_VERTEX_FORMAT,
  });
  board.on.add(new Primitive({
    geometryInstances: new GeometryInstance({ geometry, attributes: coloured("#1e6fd9", 0.22) }),
    appearance: new PerInstanceColorAppearance({ flat: true, translucent: true, closed: false }), asynchronous: false, allowPicking: false,
  }));
}

/** Dig a pit with a level floor into the ground; returns how to fill it again. */
export function digPit(board: Board, points: Spot[], { level_m, mean_depth_m }: EarthworkResult): () => void {
  const { globe } = board.widget.scene;
  const ground = points.map(({ lon, lat }) => globe.getHeight(Cartographic.fromDegrees(lon, lat)) ?? 0);
  const mean = ground.reduce((sum, height) => sum + height, 0) / ground.length;
  const bottom = level_m === null || level_m === undefined ? mean - (mean_depth_m ?? 0) : level_m + board.geoid_m;
  const flat = points.flatMap(({ lon, lat }) => [lon, lat]);
  const ring = [...points, points[0]!];
  // What was made up has no pit; its level is a plate over the ground.
  const isPit = bottom < Math.max(...ground);
  const fill = isPit ? cutsOf(board.widget).dig(Cartesian3.fromDegreesArray(flat)) : () => undefined;
  const vertexFormat = PerInstanceColorAppearance.FLAT_VERTEX_FORMAT;
  const floor = new GeometryInstance({
    geometry: new PolygonGeometry({ polygonHierarchy: new PolygonHierarchy(Cartesian3.fromDegreesArray(flat)), height: bottom, vertexFormat }),
    attributes: coloured("#7d6950"),
  });
  const wall = new GeometryInstance({
    geometry: new WallGeometry({
      positions: Cartesian3.fromDegreesArray(ring.flatMap(({ lon, lat }) => [lon, lat])),
      minimumHeights: ring.map(() => bottom),
      maximumHeights: ring.map((_, i) => Math.max(ground[i % ground.length]!, bottom + 0.01)),
      vertexFormat,
    }),
    attributes: coloured("#9c8466"),
  });
  board.on.add(new Primitive({
    geometryInstances: isPit ? [floor, wall] : [floor], appearance: new PerInstanceColorAppearance({ flat: true, translucent: false, closed: false }), asynchronous: false, allowPicking: false,
  }));
  return fill;
}
