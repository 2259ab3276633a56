import type { Plugin } from "vite";

const TABLE = /messages\.(zh|en)\.ts$/;
const PART = /^\.\/messages\.\w+$/;

/**
 * Make a chunk of the sentences of each language.
 *
 * A file has both languages of a panel, side by side as they are written and read; each language's table imports a copy of its own, of
 * which the bundler drops what it does not use.
 */
export function wordsByLanguage(): Plugin {
  return {
    name: "words-by-language",
    apply: "build",
    enforce: "pre",
    async resolveId(source, importer) {
      const language = TABLE.exec(importer ?? "")?.[1];
      if (!language || !PART.test(source)) return undefined;
      const found = await this.resolve(source, importer, { skipSelf: true });
      return found && `${found.id}?${language}`;
    },
  };
}
