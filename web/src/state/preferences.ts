/** What a reader likes: language and theme, kept in this browser. */
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { type MessageKey, zh } from "../format/messages.zh";
import { en } from "../format/messages.en";
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
      setLanguage: (language) => set({ language }),
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

const MESSAGES: Record<Language, Record<MessageKey, string>> = { zh, en };

/** Write a message of a language with its values put in. */
export function write(language: Language, key: MessageKey, values: Record<string, string | number> = {}): string {
  return fillIn(MESSAGES[language][key], values, language);
}

/** Return the function that writes messages in the reader's language, and that language. */
export function useWords(): { t: Words; language: Language } {
  const language = usePreferences((preferences) => preferences.language);
  return { t: (key, values) => write(language, key, values), language };
}
