/** Zip files without compressing them: pictures are compressed already. */

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Return the CRC-32 of some bytes. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// 1980-01-01, the first day that the format knows: the names say which day a picture shows.
const FIRST_DATE = 0x21;

function header(central: boolean, name: Uint8Array, bytes: Uint8Array, crc: number, offset: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer((central ? 46 : 30) + name.length));
  let at = 0;
  const put = (size: 2 | 4, value: number) => {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  };
  put(4, central ? 0x02014b50 : 0x04034b50);
  if (central) put(2, 20);
  put(2, 20);
  put(2, 0x0800);
  put(2, 0);
  put(2, 0);
  put(2, FIRST_DATE);
  put(4, crc);
  put(4, bytes.length);
  put(4, bytes.length);
  put(2, name.length);
  put(2, 0);
  if (central) {
    put(2, 0);
    put(2, 0);
    put(2, 0);
    put(4, 0);
    put(4, offset);
  }
  const made = new Uint8Array(view.buffer);
  made.set(name, at);
  return made;
}

/** Put files into a zip, as they are. */
export function zip(files: { name: string; bytes: Uint8Array<ArrayBuffer> }[]): Blob {
  const parts: BlobPart[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const label = new TextEncoder().encode(name);
    const crc = crc32(bytes);
    const local = header(false, label, bytes, crc, 0);
    directory.push(header(true, label, bytes, crc, offset));
    parts.push(local, bytes);
    offset += local.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, offset, true);
  return new Blob([...parts, ...directory, end.buffer], { type: "application/zip" });
}
