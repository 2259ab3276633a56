import type { Language } from "./text";

const RULES: Record<Language, Intl.PluralRules> = { zh: new Intl.PluralRules("zh-CN"), en: new Intl.PluralRules("en-GB") };
// {count} is a value; {count|layer|layers} the word that goes with it.
const PLACE = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;

/** Is a number, also one that is written for a reader (1,234 or +1.0), one of something? */
function isOne(value: string | number, language: Language): boolean {
  const text = String(value).replace(/[,\s+]/g, "");
  // 1.0 days, but 1 day: what is measured is many.
  return /^-?\d+$/.test(text) && RULES[language].select(Number(text)) === "one";
}

/** Put values, and the words that go with their number, into a sentence. */
export function fillIn(sentence: string, values: Record<string, string | number>, language: Language): string {
  return sentence.replace(PLACE, (whole, name: string, one?: string, other?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return one === undefined ? String(value) : isOne(value, language) ? one : other!;
  });
}
