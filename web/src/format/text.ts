import type { Text } from "../api/types";

export type Language = "zh" | "en";

/** Pick the text of a language; the other one when it is empty. */
export function pick(text: Text | undefined | null, language: Language): string {
  if (!text) return "";
  return text[language] || text[language === "zh" ? "en" : "zh"] || "";
}
