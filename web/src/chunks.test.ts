import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { firstView, strangersToWorker } from "../vite.chunks";
import { MAP_WORKER, packageFolder } from "../vite.maplibre";

const place = mkdtempSync(join(realpathSync(tmpdir()), "chunks-"));
afterAll(() => rmSync(place, { recursive: true }));

const imports: Record<string, string[]> = {
  [`${place}/web/index.html`]: [`${place}/web/src/main.tsx`],
  [`${place}/web/src/main.tsx`]: ["state", "both"],
  [`${place}/web/src/map/MapView.tsx`]: ["state", "maps", "react", "shared"],
  [`${place}/web/src/desk.tsx`]: ["state", "react", "panels"],
  [MAP_WORKER]: ["shared", "both"],
};
const known = { getModuleInfo: (id: string) => ({ importedIds: imports[id] ?? [] }) };

describe("the files of the build", () => {
  it("has MapLibre where its package lies, be it above or behind a link", () => {
    const packages = join(place, "elsewhere");
    mkdirSync(join(packages, "maplibre-gl"), { recursive: true });
    writeFileSync(join(packages, "maplibre-gl", "package.json"), "{}");
    mkdirSync(join(place, "web", "below"), { recursive: true });
    symlinkSync(packages, join(place, "web", "node_modules"));
    for (const from of ["vite.config.ts", "below/vite.config.ts"]) {
      expect(packageFolder(pathToFileURL(join(place, "web", from)).href)).toBe(`${place}/elsewhere/maplibre-gl`);
    }
  });

  it("are named alike where the folder is reached through a link, and the worker's come first", () => {
    symlinkSync(join(place, "web"), join(place, "link"));
    for (const folder of ["web", "link"]) {
      const name = firstView(join(place, folder));
      expect(["both", "shared", "state", "react", "maps", "panels", MAP_WORKER, "other"].map((id) => name(id, known)))
        .toEqual(["map-shared", "map-shared", "start", "view", "map", "shell", null, null]);
    }
  });

  it("load nothing of the page into the map's worker", () => {
    const shared = { type: "chunk", moduleIds: ["shared", "both"], imports: ["runtime.js"] };
    const bundle = {
      "worker.js": { type: "chunk", facadeModuleId: MAP_WORKER, moduleIds: [MAP_WORKER], imports: ["shared.js"] },
      "shared.js": shared, "runtime.js": { type: "chunk", moduleIds: ["\0rolldown/runtime.js"], imports: [] },
      "page.js": { type: "chunk", moduleIds: ["state"], imports: ["shared.js"] }, "map.css": { type: "asset" },
    };
    expect(strangersToWorker(bundle, known)).toEqual([]);
    expect(strangersToWorker({ ...bundle, "shared.js": { ...shared, imports: ["page.js"] } }, known)).toEqual(["state"]);
    // Named as a link to it has it, its modules are in the page's files.
    const linked = { type: "chunk", facadeModuleId: "/link/maplibre-gl/src/source/worker.ts", moduleIds: ["/link/maplibre-gl/src/source/worker.ts"], imports: ["page.js"] };
    expect(strangersToWorker({ ...bundle, "worker.js": linked }, known)).toEqual(["state", "shared", "both"]);
  });
});
