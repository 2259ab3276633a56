import { MAP_WORKER } from "./vite.maplibre";

interface Known {
  getModuleInfo: (id: string) => { importedIds: readonly string[] } | null;
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
  let names: Map<string, string> | null = null;
  const named = (known: Known) => {
    const made = new Map<string, string>();
    const put = (name: string, ids: Iterable<string>) => {
      for (const id of ids) if (!made.has(id) && id !== MAP_WORKER) made.set(id, name);
    };
    const map = closure(`${folder}/src/map/MapView.tsx`, known);
    const shell = closure(`${folder}/src/desk.tsx`, known);
    put("start", closure(`${folder}/index.html`, known));
    put("map-shared", closure(MAP_WORKER, known));
    // A scene in three dimensions wants the shell without the map.
    put("view", [...shell].filter((id) => map.has(id)));
    put("map", map);
    put("shell", shell);
    return made;
  };
  return (id, known) => (names ??= named(known)).get(id) ?? null;
}
