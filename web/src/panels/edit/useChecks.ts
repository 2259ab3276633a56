import { useEffect, useState } from "react";
import { checkChangeset } from "../../api/changesets";
import { Problem } from "../../api/http";
import type { Draft } from "../../state/draft";
import { useDraft } from "../../state/draft";
import { toRequest } from "../../state/requests";

const PAUSE_MS = 700;

/**
 * Ask the server what it would refuse the draft for, before it is saved.
 *
 * After each change of the geometry it is asked by itself, and only what has to do with the geometry is shown: a form that
 * is not filled in yet is no news. The button asks for everything.
 */
export function useChecks(draft: Draft | null): { check: (whole: boolean) => Promise<void>; passed: boolean; checking: boolean } {
  const [checked, setChecked] = useState<Draft | null>(null);
  const [checking, setChecking] = useState(false);

  const check = async (whole: boolean) => {
    const asked = useDraft.getState().draft;
    if (!asked || asked.saving) return;
    if (whole) setChecking(true);
    try {
      const found = await checkChangeset(toRequest(asked));
      const now = useDraft.getState().draft;
      // Drawn on meanwhile: what was found is about a geometry that is gone.
      if (!now || now.geometry !== asked.geometry || now.pieces !== asked.pieces) return;
      const told = whole ? found : found.filter((fault) => fault.place !== null || fault.field === "geometry");
      useDraft.getState().change({ faults: told, ...(whole ? { problem: null } : {}) });
      if (whole) setChecked(told.length === 0 ? useDraft.getState().draft : null);
    } catch (error) {
      // Asked by itself, it keeps silent: saving says what is wrong.
      if (whole && error instanceof Problem) useDraft.getState().change(error.status === 412 ? { conflict: { theirs: error.theirs ?? null } } : { problem: error });
    } finally {
      if (whole) setChecking(false);
    }
  };
  const geometry = draft?.geometry;
  const pieces = draft?.pieces;
  const steps = draft?.past.length ?? 0;
  useEffect(() => {
    // Back where it began: there is nothing to ask, and what was found is gone.
    if (steps === 0) {
      const faults = useDraft.getState().draft?.faults ?? [];
      if (faults.some((fault) => fault.place)) useDraft.getState().change({ faults: faults.filter((fault) => !fault.place) });
    }
    if (!geometry || steps === 0) return undefined;
    const timer = window.setTimeout(() => void check(false), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [geometry, pieces]);
  return { check, passed: checked !== null && checked === draft, checking };
}
