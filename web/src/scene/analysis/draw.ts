/** An analysis on the scene: its places, and what the server found. The numbers are the server's; this is only their picture. */
import { Cartesian3, type CesiumWidget, PrimitiveCollection } from "@cesium/engine";
import type { Analysis } from "../../state/analysis";
import { type Board, BLUE, drawDots, drawLines, GREEN, placeOf, RED, spotPlace, YELLOW } from "./lines";
import type { Openness, Result, SightlineResult } from "./results";
import { digPit, drapeViewshed, standSheet } from "./sheets";

const LEAP_M = 25;

function sightlines(board: Board, { observer, targets }: SightlineResult): void {
  const eye = placeOf(board, observer.lon, observer.lat, observer.eye_elevation_m);
  const dots = [{ at: eye, color: BLUE }];
  const lines = [];
  for (const target of targets) {
    const end = placeOf(board, target.lon, target.lat, target.eye_elevation_m);
    const stop = target.obstruction && placeOf(board, target.obstruction.lon, target.obstruction.lat, target.obstruction.elevation_m);
    dots.push({ at: end, color: target.visible ? GREEN : RED });
    lines.push({ through: [eye, stop ?? end], color: GREEN });
    if (stop) {
      lines.push({ through: [stop, end], color: RED });
      dots.push({ at: stop, color: YELLOW });
    }
  }
  drawLines(board, lines);
  drawDots(board, dots);
}

function horizon(board: Board, { profile }: Openness, color: string, dashed: boolean): void {
  // What is nothing but far ground is no line in the city; it parts the skyline, as a leap from a near roof to a far one does.
  const runs: Cartesian3[][] = [[]];
  let before: number | undefined;
  for (const ray of [...profile, profile[0]!]) {
    if (ray.fid === undefined || (before !== undefined && Math.abs(ray.distance_m! - before) > LEAP_M)) runs.push([]);
    before = ray.fid === undefined ? undefined : ray.distance_m!;
    if (ray.fid !== undefined) runs.at(-1)!.push(placeOf(board, ray.lon!, ray.lat!, ray.elevation_m! + 0.4));
  }
  drawLines(board, runs.map((through) => ({ through, color, width: dashed ? 2 : 4, dashed })));
}

/** Draw an analysis; returns how to take it off. */
export function drawAnalysis(widget: CesiumWidget, geoid_m: number, analysis: Analysis, result: Result | null): () => void {
  const on = widget.scene.primitives.add(new PrimitiveCollection()) as PrimitiveCollection;
  const board: Board = { widget, geoid_m, on };
  let fill: () => void = () => undefined;
  const spots = analysis.points.map((spot) => spotPlace(board, spot));
  const isRing = analysis.tool === "earthwork" && spots.length > 2;
  if (analysis.tool === "section" || analysis.tool === "earthwork") {
    drawLines(board, [{ through: isRing ? [...spots, spots[0]!] : spots, color: BLUE, width: 2 }]);
  }
  if (result?.tool === "sightline") sightlines(board, result.found);
  else drawDots(board, spots.map((at) => ({ at, color: BLUE })));
  if (result?.tool === "viewshed") drapeViewshed(board, result.found);
  if (result?.tool === "skyline") {
    horizon(board, result.found, YELLOW, false);
    if (result.found.compared) horizon(board, result.found.compared, RED, true);
  }
  if (result?.tool === "section") standSheet(board, result.found);
  if (result?.tool === "earthwork" && result.found.cut_m3 !== undefined) fill = digPit(board, analysis.points, result.found);
  widget.scene.requestRender();
  return () => {
    if (widget.isDestroyed()) return;
    fill();
    widget.scene.primitives.remove(on);
    widget.scene.requestRender();
  };
}
