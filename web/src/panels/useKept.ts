import { useEffect, useRef } from "react";
import { openNamed, rememberSteps } from "../state/kept";
import { keptName } from "../state/link";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { useSession } from "../state/session";

/** Open the kept view that the address names, when the page opens and when the address changes; remember the way. */
export function useKept(): void {
  const { t } = useWords();
  const known = useSession((session) => session.known);
  const name = useSession((session) => session.account?.username ?? "");
  // The address follows the view at once; the name that could not be opened waits here for a reader who may.
  const wanted = useRef("");
  useEffect(rememberSteps, []);
  useEffect(() => {
    if (!known) return undefined;
    const read = () => {
      if (keptName(window.location.hash)) wanted.current = window.location.hash;
      if (!wanted.current) return;
      openNamed(wanted.current).then(
        (kept) => {
          wanted.current = "";
          if (kept && !kept.complete) useNotices.getState().tell({ kind: "fault", text: t("views.partial") }, 10);
        },
        () => useNotices.getState().tell({ kind: "fault", text: t("views.missing") }, 10),
      );
    };
    read();
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
    // Another reader may open what the one before could not.
  }, [known, name]);
}
