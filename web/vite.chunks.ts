/// <reference types="node" />
import { realpathSync } from "node:fs";
import { normalizePath, type Plugin } from "vite";
import { MAP_WORKER } from "./vite.maplibre";

interface Known {
  getModuleInfo: (id: string) => { importedIds: readonly string[] } | null;
}

/** A file of a build: a chunk has modules and imports. */
interface Built {
  type: string;
  facadeModuleId?: string | null;
  moduleIds?: readonly string[];
  imports?: readonly string[];
}

/** Everything that a module imports without waiting, and what that imports. */
function closure(root: string, known: Known): Set<string> {
  const found = new Set<string>();
  const open = [root];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(known.getModuleInfo(id)?.importedIds ?? []));
  }
  return found;
}

/**
 * Name the chunk of a module of the first view: one for each step of it, in the order in which they are wanted.
 *
 * Left alone, the bundler makes a chunk for every set of modules that some panels have in common: fifty small files, each with its own
 * head and its own turn. What only a click asks for it may divide as it likes.
 */
export function firstView(folder: string): (id: string, known: Known) => string | null {
  // As the bundler names them: the folder may have been reached through a link.
  const place = normalizePath(realpathSync(folder));
  let names: Map<string, string> | null = null;
  const named = (known: Known) => {
    const made = new Map<string, string>();
    const put = (name: string, ids: Iterable<string>) => {
      for (const id of ids) if (!made.has(id) && id !== MAP_WORKER) made.set(id, name);
    };
    const map = closure(`${place}/src/map/MapView.tsx`, known);
    const shell = closure(`${place}/src/desk.tsx`, known);
    // Before all else: what the worker needs must be in no file of the page alone.
    put("map-shared", closure(MAP_WORKER, known));
    put("start", closure(`${place}/index.html`, known));
    // A scene in three dimensions wants the shell without the map.
    put("view", [...shell].filter((id) => map.has(id)));
    put("map", map);
    put("shell", shell);
    return made;
  };
  return (id, known) => (names ??= named(known)).get(id) ?? null;
}

/** Return the modules that the map's worker would load and does not import: what is the page's own asks for a document, and no map is drawn. */
export function strangersToWorker(bundle: Record<string, Built>, known: Known): string[] {
  // Found by its end: that it has another name here than above is just what would go wrong.
  const open = Object.keys(bundle).filter((name) => bundle[name]!.facadeModuleId?.endsWith("/maplibre-gl/src/source/worker.ts"));
  const own = new Set(open.flatMap((name) => [...closure(bundle[name]!.facadeModuleId!, known)]));
  const found = new Set<string>();
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(bundle[name]?.imports ?? []));
  }
  return [...found].flatMap((name) => bundle[name]?.moduleIds ?? []).filter((id) => !own.has(id) && !id.startsWith("\0rolldown/"));
}

/** Let no build succeed whose map cannot be drawn. */
export function workerAlone(): Plugin {
  return {
    name: "worker-alone",
    apply: "build",
    generateBundle(_, bundle) {
      const strangers = strangersToWorker(bundle, this);
      if (strangers.length > 0) this.error(`the map's worker would load what belongs to the page: ${strangers.slice(0, 5).join(", ")}`);
    },
  };
}
