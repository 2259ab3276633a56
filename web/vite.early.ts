import type { OutputBundle } from "rolldown";
import type { HtmlTagDescriptor, Plugin } from "vite";

/** The chunks of a name and all that they need, as the names of files. */
function needed(bundle: OutputBundle, name: string): string[] {
  const found = new Set<string>();
  const take = (file: string) => {
    const chunk = bundle[file];
    if (found.has(file) || chunk?.type !== "chunk") return;
    found.add(file);
    chunk.imports.forEach(take);
  };
  for (const each of Object.values(bundle)) if (each.type === "chunk" && each.name === name) take(each.fileName);
  return [...found];
}

/** Let the page name what its first view loads later, so that the browser fetches it beside the program and not after it. */
export function fetchedEarly(...names: string[]): Plugin {
  return {
    name: "fetched-early",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }): HtmlTagDescriptor[] {
        const files = names.flatMap((name) => needed((bundle ?? {}) as OutputBundle, name));
        return [...new Set(files)].filter((file) => !html.includes(file))
          .map((file) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `./${file}` }, injectTo: "head" }));
      },
    },
  };
}
