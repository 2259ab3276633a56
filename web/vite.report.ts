/// <reference types="node" />
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

// What the server writes into reports that stand alone: the map library with its pictures inside. A report asks nobody for anything.
const DIST = join(dirname(fileURLToPath(import.meta.url)), "node_modules", "leaflet", "dist");

/** Put the parts of reports beside the client. */
export function reportFiles(): Plugin {
  return {
    name: "report-files",
    generateBundle() {
      const css = readFileSync(join(DIST, "leaflet.css"), "utf-8").replace(/url\((images\/[\w.-]+)\)/g,
        (_, name: string) => `url(data:image/png;base64,${readFileSync(join(DIST, name)).toString("base64")})`);
      const js = readFileSync(join(DIST, "leaflet.js"), "utf-8").replace(/\n\/\/# sourceMappingURL=.*/, "");
      this.emitFile({ type: "asset", fileName: "report/leaflet.css", source: css });
      this.emitFile({ type: "asset", fileName: "report/leaflet.js", source: js });
    },
  };
}
