/// <reference types="node" />
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

// What the engine of the globe asks for while it runs: its workers, and the few files it reads. They lie beside the
// client under globe/, so that nothing comes from another host.
const ENGINE = join(dirname(fileURLToPath(import.meta.url)), "node_modules", "@cesium", "engine");
const PLACES = [["Build/Workers", "Workers"], ["Source/Assets/IAU2006_XYS", "Assets/IAU2006_XYS"], ["Source/Assets/approximateTerrainHeights.json", "Assets/approximateTerrainHeights.json"]] as const;
const KINDS: Record<string, string> = { js: "text/javascript", json: "application/json", wasm: "application/wasm" };

function* files(path: string): Generator<string> {
  if (!statSync(path).isDirectory()) yield path;
  else for (const name of readdirSync(path)) yield* files(join(path, name));
}

/** Put the engine's files beside the client, in the build and in development. */
export function globeFiles(): Plugin {
  return {
    name: "globe-files",
    generateBundle() {
      for (const [from, to] of PLACES) {
        const root = join(ENGINE, from);
        for (const file of files(root)) {
          const below = relative(root, file).split(sep).join("/");
          this.emitFile({ type: "asset", fileName: ["globe", to, below].filter(Boolean).join("/"), source: readFileSync(file) });
        }
      }
    },
    configureServer(server) {
      server.middlewares.use("/globe", (request, response, next) => {
        const wanted = decodeURIComponent((request.url ?? "").split("?")[0]!).replace(/^\//, "");
        const place = PLACES.find(([, to]) => wanted === to || wanted.startsWith(`${to}/`));
        const file = place && !wanted.includes("..") ? join(ENGINE, place[0], wanted.slice(place[1].length)) : "";
        if (!file || !existsSync(file)) return next();
        response.setHeader("Content-Type", KINDS[file.split(".").at(-1)!] ?? "application/octet-stream");
        createReadStream(file).pipe(response);
      });
    },
  };
}
