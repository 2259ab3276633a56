/** Frames of the map over time, as a zip of pictures or as a film. */
import { addStep, type Step } from "../format/instant";
import { showDay, useClock } from "../state/clock";
import { makeFilm } from "../record/film";
import { zip } from "../record/zip";

export const MOST_FRAMES = 600;

interface Filming {
  /** Frames a second of the film. */
  speed: number;
  told: (done: number) => void;
  signal: AbortSignal;
}

/** Return the days from one to another, both with it, a step apart. */
export function daysBetween(from: string, to: string, step: Step): string[] {
  const days: string[] = [];
  for (let count = 0, day = from; day <= to && days.length <= MOST_FRAMES; count += 1, day = addStep(from, step, count)) days.push(day);
  return days;
}

/** Can this browser encode pictures, or record what a canvas shows? */
export function canFilm(): boolean {
  return typeof VideoEncoder !== "undefined" || (typeof MediaRecorder !== "undefined" && MediaRecorder.isTypeSupported("video/webm"));
}

async function settledAt(day: string, signal: AbortSignal): Promise<void> {
  showDay(day);
  if (useClock.getState().settled === day) return;
  await new Promise<void>((resolve, reject) => {
    const stop = useClock.subscribe(({ settled }) => {
      if (settled !== day && !signal.aborted) return;
      stop();
      if (signal.aborted) reject(signal.reason);
      else resolve();
    });
    signal.addEventListener("abort", () => { stop(); reject(signal.reason); }, { once: true });
  });
}

/** Draw the map of a day on a canvas, with the day in its corner. */
async function drawDay(day: string, canvas: HTMLCanvasElement, signal: AbortSignal): Promise<void> {
  await settledAt(day, signal);
  await new Promise<void>((resolve) => useClock.setState({
    capture: (map) => {
      canvas.width = map.width;
      canvas.height = map.height;
      const pen = canvas.getContext("2d")!;
      pen.drawImage(map, 0, 0);
      const size = Math.round(map.height / 22);
      pen.font = `600 ${size}px sans-serif`;
      const width = pen.measureText(day).width;
      pen.fillStyle = "rgb(255 255 255 / 85%)";
      pen.fillRect(size * 0.6, size * 0.6, width + size * 0.8, size * 1.5);
      pen.fillStyle = "#1d262e";
      pen.textBaseline = "middle";
      pen.fillText(day, size, size * 1.38);
      resolve();
    },
  }));
}

/** Take a picture of each day; returns a zip of PNG files, named by day. */
export async function pictures(days: string[], { told, signal }: Filming): Promise<Blob> {
  const canvas = document.createElement("canvas");
  const files: { name: string; bytes: Uint8Array<ArrayBuffer> }[] = [];
  for (const [index, day] of days.entries()) {
    await drawDay(day, canvas, signal);
    const blob = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, "image/png"); });
    if (!blob) throw new Error("The browser made no picture.");
    files.push({ name: `${String(index + 1).padStart(4, "0")}-${day}.png`, bytes: new Uint8Array(await blob.arrayBuffer()) });
    told(index + 1);
  }
  return zip(files);
}

/** Make a film of the days. */
export function film(days: string[], { speed, told, signal }: Filming): Promise<Blob> {
  return makeFilm({ frames: days.length, rate: speed, draw: (index, canvas) => drawDay(days[index]!, canvas, signal), told, signal });
}
