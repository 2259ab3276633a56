/** Setting the places of an analysis: by a click, or by Enter for what is in the middle; Backspace takes the last one back. */
import { type Cartesian2, Cartographic, Cesium3DTileFeature, type CesiumWidget, Math as Angles, ScreenSpaceEventHandler, ScreenSpaceEventType } from "@cesium/engine";
import { MOST_POINTS, type Spot } from "../../state/analysis";
import { useView } from "../../state/view";
import { isUnderground, type Standing } from "../tilesets";
import { TOOLS } from "./tools";

/** Are clicks for an analysis now, and not for selecting? */
export function isPlacing(): boolean {
  const { analysis, tool } = useView.getState();
  return analysis !== null && TOOLS[analysis.tool].most > 0 && tool === "identify";
}

/** Return the place under a point of the screen; where a building was hit with the elevation of the hit. */
export function spotAt(widget: CesiumWidget, standing: Standing[], geoid_m: number, position: Cartesian2): Spot | null {
  const hit: unknown = widget.scene.pick(position, 3, 3);
  const place = widget.scene.pickPosition(position);
  if (!place) return null;
  const { longitude, latitude, height } = Cartographic.fromCartesian(place);
  const spot = { lon: Angles.toDegrees(longitude), lat: Angles.toDegrees(latitude) };
  const onBuilding = hit instanceof Cesium3DTileFeature && standing.some(({ tileset, layer }) => tileset === hit.tileset && !isUnderground(layer));
  return onBuilding ? { ...spot, elevation: height - geoid_m } : spot;
}

/** Add a place; a tool that takes one moves it. Returns whether there was room. */
export function addSpot(spot: Spot): boolean {
  const { analysis, setAnalysis } = useView.getState();
  if (!analysis) return false;
  const most = Math.min(TOOLS[analysis.tool].most, MOST_POINTS);
  if (most > 1 && analysis.points.length >= most) return false;
  setAnalysis({ ...analysis, points: most === 1 ? [spot] : [...analysis.points, spot] });
  return true;
}

/** Take the last place back. */
export function takeBack(): void {
  const { analysis, setAnalysis } = useView.getState();
  if (analysis) setAnalysis({ ...analysis, points: analysis.points.slice(0, -1) });
}

/** Take all places back. */
export function clearSpots(): void {
  const { analysis, setAnalysis } = useView.getState();
  if (analysis) setAnalysis({ ...analysis, points: [] });
}

/** Listen to clicks and keys; `told` hears what could not be done. Returns how to stop. */
export function attachPlacing(widget: CesiumWidget, standing: Standing[], geoid_m: number, told: (fault: "nowhere" | "most" | null) => void): () => void {
  const put = (position: Cartesian2) => {
    if (!isPlacing()) return;
    const spot = spotAt(widget, standing, geoid_m, position);
    told(spot === null ? "nowhere" : addSpot(spot) ? null : "most");
  };
  const canvas = new ScreenSpaceEventHandler(widget.canvas);
  canvas.setInputAction(({ position }: { position: Cartesian2 }) => put(position), ScreenSpaceEventType.LEFT_CLICK);
  const press = (event: KeyboardEvent) => {
    if (!isPlacing()) return;
    if (event.key === "Enter") put({ x: widget.canvas.clientWidth / 2, y: widget.canvas.clientHeight / 2 } as Cartesian2);
    else if (event.key === "Backspace") takeBack();
    else if (event.key === "Escape") clearSpots();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  widget.canvas.addEventListener("keydown", press);
  return () => {
    widget.canvas.removeEventListener("keydown", press);
    canvas.destroy();
  };
}
