/** Points and lines of analyses on the scene. */
import { Cartesian3, Cartographic, type CesiumWidget, Color, Material, PointPrimitiveCollection, PolylineCollection, type PrimitiveCollection } from "@cesium/engine";
import type { Spot } from "../../state/analysis";

export const GREEN = "#1fa34a";
export const RED = "#d9342b";
export const YELLOW = "#f2a900";
export const BLUE = "#1e6fd9";

/** What a drawing is put on: the scene, and the height of the city's datum over the ellipsoid. */
export interface Board {
  widget: CesiumWidget;
  geoid_m: number;
  on: PrimitiveCollection;
}

/** Return a place on the globe from degrees and an elevation over the city's datum. */
export function placeOf(board: Board, lon: number, lat: number, elevation_m: number): Cartesian3 {
  return Cartesian3.fromDegrees(lon, lat, elevation_m + board.geoid_m);
}

/** Return where a clicked place is: at its elevation, else on the ground that is drawn. */
export function spotPlace(board: Board, { lon, lat, elevation }: Spot): Cartesian3 {
  if (elevation !== undefined) return placeOf(board, lon, lat, elevation);
  return Cartesian3.fromDegrees(lon, lat, (board.widget.scene.globe.getHeight(Cartographic.fromDegrees(lon, lat)) ?? 0) + 0.3);
}

/** Draw dots that are seen through everything. */
export function drawDots(board: Board, places: { at: Cartesian3; color: string }[]): void {
  const dots = board.on.add(new PointPrimitiveCollection()) as PointPrimitiveCollection;
  for (const { at, color } of places) {
    dots.add({ position: at, pixelSize: 10, color: Color.WHITE, outlineColor: Color.fromCssColorString(color), outlineWidth: 3, disableDepthTestDistance: Number.POSITIVE_INFINITY });
  }
}

/** Draw lines, each of a colour. */
export function drawLines(board: Board, lines: { through: Cartesian3[]; color: string; width?: number; dashed?: boolean }[]): void {
  const drawn = board.on.add(new PolylineCollection()) as PolylineCollection;
  for (const { through, color, width = 3, dashed = false } of lines) {
    if (through.length < 2) continue;
    const css = Color.fromCssColorString(color);
    drawn.add({ positions: through, width, material: Material.fromType(dashed ? "PolylineDash" : "Color", { color: css }) });
  }
}
