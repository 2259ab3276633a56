/** What every first view needs, asked for while the program is still being read: who is signed in is known from the same cookie. */
import type { StyleSpecification } from "maplibre-gl";
import { readConfig } from "../api/config";
import { setAnswerLanguage } from "../api/http";
import { readStyle } from "../api/style";
import type { Config } from "../api/types";
import { usePreferences } from "./preferences";
import { readerOf, useSession } from "./session";

let config: Promise<Config> | null = null;
let style: { language: string; answer: Promise<StyleSpecification> } | null = null;

/** Ask now; the first who needs an answer takes it. */
export function askFirst(): void {
  const { language } = usePreferences.getState();
  setAnswerLanguage(language);
  config = readConfig();
  style = { language, answer: readStyle() };
  // Whoever takes an answer hears of its failure; nobody has to.
  config.catch(() => undefined);
  style.answer.catch(() => undefined);
  // They were for whoever opened the page: another reader sees other layers, and a page that opens in three dimensions takes the style late.
  const stop = useSession.subscribe((now, before) => {
    if (!before.known || readerOf(now) === readerOf(before)) return;
    stop();
    config = style = null;
  });
}

/** Return what the first map needs, without taking it: the configuration and the style; null where they were not asked for. */
export function firstAnswers(): [Promise<Config>, Promise<StyleSpecification>] | null {
  return config && style && [config, style.answer];
}

/** Take the first configuration; null where it has been taken, then it is to be asked for. */
export function takeConfig(): Promise<Config> | null {
  const taken = config;
  config = null;
  return taken;
}

/** Take the first style, if it is in this language. */
export function takeStyle(language: string): Promise<StyleSpecification> | null {
  const taken = style;
  style = null;
  return taken?.language === language ? taken.answer : null;
}
