/** A film of frames that are drawn one by one: however long each takes to be drawn, all stand equally long in the film. */
import { type EncodedFrame, webm } from "./webm";
import { zip } from "./zip";

export const MOST_FRAMES = 1800;
// They are held until the last one is there.
export const MOST_PICTURES = 600;

export interface Filming {
  frames: number;
  /** Frames a second of the film. */
  rate: number;
  /** Draw a frame on the canvas, which has its size after the first. */
  draw: (index: number, canvas: HTMLCanvasElement) => Promise<void>;
  told: (done: number) => void;
  signal: AbortSignal;
}

/** How this browser makes films: by encoding frames, by recording a canvas in real time, or not at all. */
export type Way = "encoder" | "recorder" | "none";

const KEY_EVERY = 60;
const BITS_PER_PIXEL = 0.12;
const CODECS = [["vp8", "V_VP8"], ["vp09.00.41.08", "V_VP9"]] as const;

function settingsOf(codec: string, width: number, height: number, rate: number): VideoEncoderConfig {
  return { codec, width, height, framerate: rate, bitrate: Math.max(1_000_000, Math.round(width * height * rate * BITS_PER_PIXEL)), latencyMode: "quality" };
}

/** Return how a film can be made here. Encoders are there only on a secure address (https, or this machine). */
export async function wayOf(width = 1280, height = 720): Promise<Way> {
  if (await codecFor(width, height, 10)) return "encoder";
  return typeof MediaRecorder !== "undefined" && MediaRecorder.isTypeSupported("video/webm") && "captureStream" in HTMLCanvasElement.prototype ? "recorder" : "none";
}

async function codecFor(width: number, height: number, rate: number) {
  if (typeof VideoEncoder === "undefined") return null;
  for (const codec of CODECS) {
    const found = await VideoEncoder.isConfigSupported(settingsOf(codec[0], width, height, rate)).catch(() => null);
    if (found?.supported) return codec;
  }
  return null;
}

/** Make a film. Throws the signal's reason where it is stopped. */
export async function makeFilm(filming: Filming): Promise<Blob> {
  const canvas = document.createElement("canvas");
  await filming.draw(0, canvas);
  filming.signal.throwIfAborted();
  const codec = await codecFor(canvas.width, canvas.height, filming.rate);
  return codec ? encoded(filming, canvas, codec) : recorded(filming, canvas);
}

async function encoded({ frames, rate, draw, told, signal }: Filming, canvas: HTMLCanvasElement, [name, id]: (typeof CODECS)[number]): Promise<Blob> {
  const made: EncodedFrame[] = [];
  let fault: DOMException | null = null;
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      made.push({ bytes, at: Math.round(chunk.timestamp / 1000), isKey: chunk.type === "key" });
    },
    error: (error) => { fault = error; },
  });
  const { width, height } = canvas;
  encoder.configure(settingsOf(name, width, height, rate));
  try {
    for (let index = 0; index < frames; index += 1) {
      if (index > 0) await draw(index, canvas);
      signal.throwIfAborted();
      if (fault) throw fault as DOMException;
      const frame = new VideoFrame(canvas, { timestamp: Math.round((index * 1e6) / rate), duration: Math.round(1e6 / rate) });
      encoder.encode(frame, { keyFrame: index % KEY_EVERY === 0 });
      frame.close();
      told(index + 1);
    }
    await encoder.flush();
    if (fault) throw fault as DOMException;
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
  return webm({ codec: id, width, height, rate, frames: made });
}

async function recorded({ frames, rate, draw, told, signal }: Filming, canvas: HTMLCanvasElement): Promise<Blob> {
  const stream = canvas.captureStream(0);
  const recorder = new MediaRecorder(stream, { mimeType: "video/webm", videoBitsPerSecond: 8_000_000 });
  const pieces: Blob[] = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  const ended = new Promise<void>((resolve) => { recorder.onstop = () => resolve(); });
  recorder.start();
  try {
    for (let index = 0; index < frames; index += 1) {
      // The film's time runs only while a frame stands: however long it took to be drawn, each stands equally long.
      recorder.pause();
      if (index > 0) await draw(index, canvas);
      signal.throwIfAborted();
      recorder.resume();
      (stream.getVideoTracks()[0] as CanvasCaptureMediaStreamTrack).requestFrame();
      await new Promise((resolve) => { window.setTimeout(resolve, 1000 / rate); });
      told(index + 1);
    }
  } finally {
    recorder.stop();
  }
  await ended;
  return new Blob(pieces, { type: "video/webm" });
}

/** Take the frames as a zip of pictures, numbered from 1. */
export async function makePictures({ frames, draw, told, signal }: Filming): Promise<Blob> {
  const canvas = document.createElement("canvas");
  const files: { name: string; bytes: Uint8Array<ArrayBuffer> }[] = [];
  for (let index = 0; index < frames; index += 1) {
    await draw(index, canvas);
    signal.throwIfAborted();
    const blob = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, "image/png"); });
    if (!blob) throw new Error("The browser made no picture.");
    files.push({ name: `${String(index + 1).padStart(4, "0")}.png`, bytes: new Uint8Array(await blob.arrayBuffer()) });
    told(index + 1);
  }
  return zip(files);
}
