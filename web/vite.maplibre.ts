/// <reference types="node" />
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { normalizePath, type Plugin } from "vite";

// MapLibre comes as two finished bundles, one for the page and one for its worker, and what both need (half a megabyte) is in each of
// them. Built from the sources in the same package, both take it from one file.
const FOLDER = packageFolder(import.meta.url);
const PAGE = `${FOLDER}/src/index.ts`;
export const MAP_WORKER = `${FOLDER}/src/source/worker.ts`;
const ADDRESS = "virtual:map-worker";
const { version } = JSON.parse(readFileSync(`${FOLDER}/package.json`, "utf-8")) as { version: string };
// The finished bundles begin with it, and so must what is made of the sources.
const LICENSE = `/*! MapLibre GL JS ${version}, 3-Clause BSD: https://github.com/maplibre/maplibre-gl-js/blob/v${version}/LICENSE.txt */\n`;
const FINISHED = "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
// Buttons, notes and bubbles that the client draws itself; with their pictures they are nine tenths of the sheet.
const UNUSED = /\.maplibregl-(ctrl|popup|user-location|attrib|compact|scale|terrain|globe)/;

/** Return where the package of MapLibre lies for a module, named as the bundler names it: packages may lie above, or elsewhere behind a link. */
export function packageFolder(from: string): string {
  return normalizePath(dirname(createRequire(from).resolve("maplibre-gl/package.json")));
}

/** The rules of MapLibre's style sheet for what the client shows of it: canvas, gestures and markers. */
function usedRules(css: string): string {
  const rule = /@media[^{]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}|@keyframes[^{]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}|[^{}]+\{[^{}]*\}/g;
  // What stands beside one that is used is kept whole.
  return (css.match(rule) ?? []).filter((each) => !each.slice(0, each.indexOf("{")).split(",").every((selector) => UNUSED.test(selector))).join("\n");
}

/** Build MapLibre from its sources; in development its finished bundles serve. */
export function mapFromSource(): Plugin {
  let builds = false;
  return {
    name: "map-from-source",
    enforce: "pre",
    // MapLibre is written for fields that exist once they are given a value, not before.
    config: () => ({ oxc: { typescript: { removeClassFieldsWithoutInitializer: true }, assumptions: { setPublicClassFields: true } } }),
    configResolved({ command, mode }) {
      builds = command === "build" && mode !== "test";
    },
    resolveId(id) {
      if (id === ADDRESS) return `\0${ADDRESS}`;
      return builds && id === "maplibre-gl" ? PAGE : undefined;
    },
    load(id) {
      if (id === `\0${ADDRESS}`) {
        if (!builds) return `export { default } from ${JSON.stringify(FINISHED)};`;
        const worker = this.emitFile({ type: "chunk", id: MAP_WORKER, name: "map-worker" });
        return `export default import.meta.ROLLUP_FILE_URL_${worker};`;
      }
      return id.endsWith("/maplibre-gl.css") ? usedRules(readFileSync(id, "utf-8")) : undefined;
    },
    generateBundle(_, bundle) {
      for (const each of Object.values(bundle)) {
        if (each.type === "chunk" && each.moduleIds.some((id) => id.startsWith(`${FOLDER}/src/`))) each.code = LICENSE + each.code;
      }
    },
  };
}
