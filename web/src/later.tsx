/** What is not in the first view: fetched when it is first wanted, or before, when nothing else is to be done. */
import { type ComponentType, lazy, type ReactNode, Suspense } from "react";
import { useWords } from "./state/preferences";

type Load<P> = () => Promise<{ default: ComponentType<P> }>;
const waiting: (() => Promise<unknown>)[] = [];

/** Says that something is being opened; seen only where that takes longer than a moment. */
export function Opening() {
  const { t } = useWords();
  return <div className="opening" role="status"><i aria-hidden="true" />{t("common.loading")}</div>;
}

/**
 * Make a panel of what is loaded later, with theme and language around it and `meanwhile` in its place until it is there.
 *
 * What is `heavy` (the globe) is fetched only when it is wanted; all else when the first view is done.
 */
export function later<P extends object>(load: Load<P>, meanwhile: ReactNode = <Opening />, heavy = false): ComponentType<P> {
  const both = async () => {
    try {
      const [{ Themed }, { default: Made }] = await Promise.all([import("./Themed"), load()]);
      return { default: (props: P) => <Themed><Made {...props} /></Themed> };
    } catch (error) {
      // A component keeps that it could not be fetched: whoever tries again needs another one.
      Panel = lazy(both);
      throw error;
    }
  };
  let Panel = lazy(both);
  if (!heavy) waiting.push(load);
  return function Later(props: P) {
    return <Suspense fallback={meanwhile}><Panel {...props} /></Suspense>;
  };
}

const REST_MS = 2500;
const idle = (act: () => void) => (window.requestIdleCallback ? window.requestIdleCallback(act, { timeout: 5000 }) : window.setTimeout(act, 200));

let begun = false;

/** Fetch what a click may ask for next, one after the other while the browser rests; not where every byte counts. Once, when the first view is done. */
export function fetchLater(): void {
  if (begun) return;
  begun = true;
  const line = (navigator as Navigator & { connection?: { saveData?: boolean; effectiveType?: string } }).connection;
  if (line?.saveData || (line?.effectiveType && line.effectiveType !== "4g")) return;
  waiting.unshift(() => import("./Themed"));
  const next = () => {
    const load = waiting.shift();
    // What cannot be fetched now is asked for again when it is wanted.
    if (load) void load().catch(() => undefined).then(() => idle(next));
  };
  window.setTimeout(() => idle(next), REST_MS);
}
