/** A flight over the scene: the camera follows the tour, and a line can be drawn for it to follow. */
import { Cartesian3, type CesiumWidget, Cartographic, Color, Material, Math as Angles, PolylineCollection } from "@cesium/engine";
import { useEffect } from "react";
import { passed, useFlying, wantsStill } from "../state/flight";
import { lengthOf, poseAt, stopAt, type Tour } from "../state/tour";
import { useView } from "../state/view";
import { look } from "./camera";

// After a pause of the machine one does not want to have missed half of the way.
const LONGEST_S = 1;
const LIFT_M = 3;

/** Put the camera where a tour has it at a time. */
export function fly(widget: CesiumWidget, tour: Tour, at: number): void {
  look(widget, wantsStill() ? stopAt(tour, at) : poseAt(tour, at));
}

/** Let the camera fly while the flight runs, and show the line that is drawn for it. */
export function useFlight(widget: CesiumWidget | null): void {
  const playing = useFlying((flying) => flying.playing);
  const at = useFlying((flying) => flying.at);
  const filming = useFlying((flying) => flying.filming);
  const line = useFlying((flying) => flying.line);
  const tour = useView((view) => view.tour);

  useEffect(() => {
    if (!widget || !tour || !playing || filming) return undefined;
    let last = performance.now();
    let frame = 0;
    const step = (now: number) => {
      passed(tour, Math.min(LONGEST_S, Math.max(0, (now - last) / 1000)));
      last = now;
      frame = window.requestAnimationFrame(step);
    };
    frame = window.requestAnimationFrame(step);
    return () => window.cancelAnimationFrame(frame);
  }, [widget, tour, playing, filming]);

  useEffect(() => {
    if (!widget || !tour || tour.stops.length < 2 || filming) return;
    if (playing || (at > 0 && at < lengthOf(tour))) fly(widget, tour, at);
  }, [widget, tour, at, playing, filming]);

  useEffect(() => {
    if (!widget || line.length === 0) return undefined;
    const lines = widget.scene.primitives.add(new PolylineCollection()) as PolylineCollection;
    const positions = line.map(([lon, lat]) => Cartesian3.fromDegrees(lon, lat, (widget.scene.globe.getHeight(Cartographic.fromDegrees(lon, lat)) ?? 0) + LIFT_M));
    if (positions.length > 1) lines.add({ positions, width: 4, material: Material.fromType("Color", { color: Color.fromCssColorString("#d4380d") }) });
    widget.scene.requestRender();
    return () => {
      if (widget.isDestroyed()) return;
      widget.scene.primitives.remove(lines);
      widget.scene.requestRender();
    };
  }, [widget, line]);
}

/** Add the place that was hit to the line. */
export function addCorner(place: Cartesian3): void {
  const { longitude, latitude } = Cartographic.fromCartesian(place);
  const corner: [number, number] = [Angles.toDegrees(longitude), Angles.toDegrees(latitude)];
  useFlying.setState(({ line }) => ({ line: [...line, corner].slice(0, 200) }));
}
