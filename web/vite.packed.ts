/// <reference types="node" />
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { Plugin } from "vite";

const pack = promisify(brotliCompress);
const PACKED = /^(assets|report)\/.*\.(js|css|svg|json)$|^globe\/.*\.js$/;
const SMALLEST_BYTES = 1200;
// The best costs two seconds a megabyte: for what everybody fetches. The rest is nearly as small in a tenth of the time.
const BEST = 11;
const QUICK = 9;
const LARGEST_AT_BEST = 800_000;

/** Lay a file packed by Brotli beside each file of the build; the server sends it to whoever takes it. */
export function packedFiles(): Plugin {
  return {
    name: "packed-files",
    apply: "build",
    async writeBundle({ dir }, bundle) {
      const names = Object.keys(bundle).filter((name) => PACKED.test(name));
      await Promise.all(names.map(async (name) => {
        const path = join(dir!, name);
        const body = await readFile(path);
        if (body.length < SMALLEST_BYTES) return;
        const quality = body.length > LARGEST_AT_BEST ? QUICK : BEST;
        const packed = await pack(body, { params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } });
        await writeFile(`${path}.br`, packed);
      }));
    },
  };
}
