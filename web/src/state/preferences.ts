/** What a reader likes: language and theme, kept in this browser. */
import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { MessageKey } from "../format/messages.zh";
import { fillIn } from "../format/sentence";
import type { Language } from "../format/text";

export type Theme = "light" | "dark";
/** At a desk, or on a wall for many to see. */
export type Display = "desk" | "big";

interface Preferences {
  language: Language;
  theme: Theme;
  display: Display;
  layersOpen: boolean;
  tableHeight: number;
  setLanguage: (language: Language) => void;
  setTheme: (theme: Theme) => void;
  setDisplay: (display: Display) => void;
  setLayersOpen: (open: boolean) => void;
  setTableHeight: (height: number) => void;
}

const prefersDark = typeof window !== "undefined" && window.matchMedia?.("(prefers-color-scheme: dark)").matches;
const narrow = typeof window !== "undefined" && window.matchMedia?.("(max-width: 767px)").matches;

/** Return the first of the browser's languages that the client speaks; Chinese where it speaks none of them. */
function spoken(): Language {
  const wished = typeof navigator === "undefined" ? [] : navigator.languages ?? [navigator.language];
  const known = wished.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "zh" || tag === "en");
  return known === "en" ? "en" : "zh";
}

export const usePreferences = create<Preferences>()(
  persist(
    (set) => ({
      language: spoken(),
      theme: prefersDark ? "dark" : "light",
      display: "desk",
      layersOpen: !narrow,
      tableHeight: 320,
      setLanguage: (language) => void loadWords(language).then(() => set({ language })),
      setTheme: (theme) => set({ theme }),
      setDisplay: (display) => set({ display }),
      setLayersOpen: (layersOpen) => set({ layersOpen }),
      setTableHeight: (tableHeight) => set({ tableHeight }),
    }),
    {
      name: "gis.preferences",
      partialize: ({ language, theme, display, tableHeight }) => ({ language, theme, display, tableHeight }),
    },
  ),
);

export type Words = (key: MessageKey, values?: Record<string, string | number>) => string;

type Messages = Record<MessageKey, string>;

const TABLES: Record<Language, () => Promise<Messages>> = {
  zh: async () => (await import("../format/messages.zh")).zh,
  en: async () => (await import("../format/messages.en")).en,
};
const messages: Partial<Record<Language, Messages>> = {};

/** Fetch the sentences of a language; nothing can be written in it before. */
export async function loadWords(language: Language): Promise<void> {
  messages[language] ??= await TABLES[language]();
}

/** Is there a message of this name? */
export function isMessage(key: string): key is MessageKey {
  return Object.values(messages).some((table) => key in table);
}

/** Write a message of a language with its values put in. */
export function write(language: Language, key: MessageKey, values: Record<string, string | number> = {}): string {
  return fillIn(messages[language]?.[key] ?? key, values, language);
}

/** Return the function that writes messages in the reader's language, and that language. */
export function useWords(): { t: Words; language: Language } {
  const language = usePreferences((preferences) => preferences.language);
  return { t: (key, values) => write(language, key, values), language };
}
