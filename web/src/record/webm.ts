/** WebM as it is: encoded frames with their times in a Matroska file of one video track, so that a film has exactly the frames that were drawn. */

export interface EncodedFrame {
  bytes: Uint8Array<ArrayBuffer>;
  /** Milliseconds since the beginning. */
  at: number;
  isKey: boolean;
}

export interface Film {
  codec: "V_VP8" | "V_VP9";
  width: number;
  height: number;
  /** Frames a second. */
  rate: number;
  frames: EncodedFrame[];
}

type Part = Uint8Array<ArrayBuffer>;

const ID = {
  head: 0x1a45dfa3, version: 0x4286, readVersion: 0x42f7, longestId: 0x42f2, longestSize: 0x42f3, docType: 0x4282, docVersion: 0x4287, docReadVersion: 0x4285,
  segment: 0x18538067, info: 0x1549a966, scale: 0x2ad7b1, duration: 0x4489, muxer: 0x4d80, writer: 0x5741,
  tracks: 0x1654ae6b, track: 0xae, number: 0xd7, uid: 0x73c5, type: 0x83, lacing: 0x9c, codec: 0x86, frameLength: 0x23e383, video: 0xe0, width: 0xb0, height: 0xba,
  cluster: 0x1f43b675, time: 0xe7, block: 0xa3, cues: 0x1c53bb6b, cue: 0xbb, cueTime: 0xb3, cuePlaces: 0xb7, cueTrack: 0xf7, cuePlace: 0xf1,
};
const NAME = "city-map-client";
// A block's time is told in 16 bits from its cluster's.
const LONGEST_MS = 30_000;

function whole(value: number): Part {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

function real(value: number): Part {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return new Uint8Array(view.buffer);
}

function text(value: string): Part {
  return Uint8Array.from(new TextEncoder().encode(value));
}

function joined(parts: Part[]): Part {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

/** An element: its id, its size in eight bytes, what is in it. */
function element(id: number, ...parts: Part[]): Part {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, (1n << 56n) | BigInt(length));
  return joined([whole(id), size, ...parts]);
}

function block({ bytes, at, isKey }: EncodedFrame, clusterAt: number): Part {
  const head = new DataView(new ArrayBuffer(4));
  head.setUint8(0, 0x81);
  head.setInt16(1, at - clusterAt);
  head.setUint8(3, isKey ? 0x80 : 0);
  return element(ID.block, new Uint8Array(head.buffer), bytes);
}

/** Write a film as a file. Its first frame must be a key frame. */
export function webm({ codec, width, height, rate, frames }: Film): Blob {
  const head = element(ID.head, element(ID.version, whole(1)), element(ID.readVersion, whole(1)), element(ID.longestId, whole(4)), element(ID.longestSize, whole(8)),
    element(ID.docType, text("webm")), element(ID.docVersion, whole(4)), element(ID.docReadVersion, whole(2)));
  const info = element(ID.info, element(ID.scale, whole(1_000_000)), element(ID.duration, real((frames.length * 1000) / rate)),
    element(ID.muxer, text(NAME)), element(ID.writer, text(NAME)));
  const tracks = element(ID.tracks, element(ID.track, element(ID.number, whole(1)), element(ID.uid, whole(1)), element(ID.type, whole(1)),
    element(ID.lacing, whole(0)), element(ID.codec, text(codec)), element(ID.frameLength, whole(Math.round(1e9 / rate))),
    element(ID.video, element(ID.width, whole(width)), element(ID.height, whole(height)))));
  const groups: EncodedFrame[][] = [];
  for (const frame of frames) {
    const group = groups.at(-1);
    if (group && !frame.isKey && frame.at - group[0]!.at < LONGEST_MS) group.push(frame);
    else groups.push([frame]);
  }
  const clusters = groups.map((group) => element(ID.cluster, element(ID.time, whole(group[0]!.at)), ...group.map((frame) => block(frame, group[0]!.at))));
  let place = info.length + tracks.length;
  const cues = groups.map((group, i) => {
    const here = place;
    place += clusters[i]!.length;
    return group[0]!.isKey
      ? element(ID.cue, element(ID.cueTime, whole(group[0]!.at)), element(ID.cuePlaces, element(ID.cueTrack, whole(1)), element(ID.cuePlace, whole(here))))
      : new Uint8Array();
  });
  return new Blob([head, element(ID.segment, info, tracks, ...clusters, element(ID.cues, ...cues))], { type: "video/webm" });
}
