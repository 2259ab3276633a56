/** Films of the scene: the camera is put where it belongs in a frame, all tiles are waited for, then the frame is taken. */
import type { CesiumWidget } from "@cesium/engine";
import { addStep } from "../format/instant";
import { useFlying } from "../state/flight";
import { lengthOf, poseAt, type Tour } from "../state/tour";
import { useView } from "../state/view";
import { look } from "./camera";
import { whenDrawn } from "./settle";

export interface FilmedDays {
  from: string;
  to: string;
}

/** Return how many frames a flight has. */
export function framesOf(tour: Tour, rate: number): number {
  return Math.max(1, Math.round(lengthOf(tour) * rate));
}

/** Return the day that a frame shows. */
export function dayOfFrame({ from, to }: FilmedDays, index: number, frames: number): string {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  return addStep(from, "day", Math.round((days * index) / Math.max(1, frames - 1)));
}

function write(canvas: HTMLCanvasElement, text: string): void {
  const pen = canvas.getContext("2d")!;
  const size = Math.max(12, Math.round(canvas.height / 24));
  pen.font = `600 ${size}px sans-serif`;
  const { width } = pen.measureText(text);
  pen.fillStyle = "rgb(255 255 255 / 85%)";
  pen.fillRect(size * 0.6, size * 0.6, width + size * 0.8, size * 1.5);
  pen.fillStyle = "#1d262e";
  pen.textBaseline = "middle";
  pen.fillText(text, size, size * 1.38);
}

/** Take the picture that the scene draws next; the first one says how large all are. */
async function take(widget: CesiumWidget, canvas: HTMLCanvasElement, isFirst: boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = widget.scene.postRender.addEventListener(() => {
      stop();
      // Encoders want even sides.
      if (isFirst) Object.assign(canvas, { width: widget.canvas.width & ~1, height: widget.canvas.height & ~1 });
      canvas.getContext("2d")!.drawImage(widget.canvas, 0, 0, canvas.width, canvas.height);
      resolve();
    }) as () => void;
    widget.scene.requestRender();
  });
}

/** Return the function that draws a frame of a flight. While films are made nobody else moves the camera. */
export function frameOfFlight(widget: CesiumWidget, tour: Tour, rate: number, days: FilmedDays | null, signal: AbortSignal) {
  const frames = framesOf(tour, rate);
  return async (number: number, canvas: HTMLCanvasElement): Promise<void> => {
    const at = number / rate;
    useFlying.setState({ at });
    const day = days ? dayOfFrame(days, number, frames) : null;
    if (day && useView.getState().time.day !== day) {
      useView.getState().setDay(day);
      // What follows the day is drawn by React: let it.
      await new Promise((resolve) => { window.requestAnimationFrame(() => window.setTimeout(resolve, 0)); });
    }
    look(widget, poseAt(tour, at));
    await whenDrawn(widget, signal);
    signal.throwIfAborted();
    await take(widget, canvas, number === 0);
    if (day) write(canvas, day);
  };
}
