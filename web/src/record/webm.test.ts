import { describe, expect, it } from "vitest";
import { webm } from "./webm";

const MASTERS = new Set([0x18538067, 0x1549a966, 0x1654ae6b, 0xae, 0xe0, 0x1f43b675, 0x1c53bb6b, 0xbb, 0xb7, 0x1a45dfa3]);

/** Read EBML as its specification says: ids and sizes of any length, masters inside out. */
function read(bytes: Uint8Array, from = 0, to = bytes.length, found: { id: number; at: number; data: Uint8Array }[] = []) {
  let at = from;
  while (at < to) {
    const start = at;
    const idLength = Math.clz32(bytes[at]!) - 23;
    let id = 0;
    for (let i = 0; i < idLength; i += 1) id = id * 256 + bytes[at + i]!;
    at += idLength;
    const sizeLength = Math.clz32(bytes[at]!) - 23;
    let size = bytes[at]! & (0xff >> sizeLength);
    for (let i = 1; i < sizeLength; i += 1) size = size * 256 + bytes[at + i]!;
    at += sizeLength;
    found.push({ id, at: start, data: bytes.subarray(at, at + size) });
    if (MASTERS.has(id)) read(bytes, at, at + size, found);
    at += size;
  }
  return found;
}

describe("a WebM file", () => {
  it("holds each frame at its time, and leads to its key frames", async () => {
    const frames = [0, 100, 200, 40_000, 40_100].map((at, i) => ({ bytes: Uint8Array.from([i, 255 - i]), at, isKey: i === 0 || i === 3 }));
    const bytes = new Uint8Array(await webm({ codec: "V_VP8", width: 640, height: 360, rate: 10, frames }).arrayBuffer());
    const found = read(bytes);
    const numberOf = (data: Uint8Array) => data.reduce((sum, byte) => sum * 256 + byte, 0);
    const all = (id: number) => found.filter((each) => each.id === id);
    expect(new TextDecoder().decode(all(0x4282)[0]!.data)).toBe("webm");
    expect([numberOf(all(0xb0)[0]!.data), numberOf(all(0xba)[0]!.data)]).toEqual([640, 360]);
    expect(new DataView(all(0x4489)[0]!.data.slice().buffer).getFloat64(0)).toBe(500);
    const clusters = all(0xe7).map(({ data }) => numberOf(data));
    expect(clusters).toEqual([0, 40_000]);
    const blocks = all(0xa3).map(({ data }) => [new DataView(data.slice().buffer).getInt16(1), data[3], data[4], data[5]]);
    expect(blocks).toEqual([[0, 0x80, 0, 255], [100, 0, 1, 254], [200, 0, 2, 253], [0, 0x80, 3, 252], [100, 0, 4, 251]]);
    // Places are told from where the segment's contents begin.
    const segment = all(0x18538067)[0]!;
    const inside = segment.at + 4 + 8;
    expect(all(0xf1).map(({ data }) => numberOf(data) + inside)).toEqual(all(0x1f43b675).map(({ at }) => at));
    expect(segment.data.length + inside).toBe(bytes.length);
  });
});
