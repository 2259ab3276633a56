import type { ReactNode } from "react";
import { Problem } from "../api/http";
import type { MessageKey } from "../format/messages.zh";
import { goBack, useJourney } from "../state/kept";
import { useWords } from "../state/preferences";
import { useSession } from "../state/session";

const KNOWN = new Set([0, 401, 403, 404, 409, 410, 412, 422]);

/** Return the sentence for an error in the reader's language. */
export function useErrorText(): (error: unknown) => string {
  const { t } = useWords();
  return (error) => {
    // What the browser says of a fault of the page itself is for its console.
    if (!(error instanceof Problem)) return t("error.page");
    // The server's own sentence names what was wrong; ours is for when there is none, or none worth reading.
    // Beside a list of all faults it says no more than that there is one.
    if ([400, 409, 422].includes(error.status) && error.members.detail && !(error.status === 422 && error.faults?.length)) return error.message;
    return t(`error.${KNOWN.has(error.status) ? error.status : 500}` as MessageKey);
  };
}

/** A panel that waits: grey bars in the place of what comes. */
export function Loading({ rows = 4 }: { rows?: number }) {
  const { t } = useWords();
  return (
    <div className="state-loading" role="status" aria-label={t("common.loading")}>
      {Array.from({ length: rows }, (_, i) => <span key={i} style={{ width: `${88 - ((i * 23) % 40)}%` }} />)}
    </div>
  );
}

/** A panel with nothing in it. */
export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="state-empty">
      <svg viewBox="0 0 48 32" width="48" height="32" aria-hidden="true">
        <path d="M24 3 44 13 24 23 4 13z" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" />
        <path d="m4 20 20 10 20-10" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" strokeDasharray="3 3" />
      </svg>
      <strong>{title}</strong>
      {hint && <p>{hint}</p>}
      {children}
    </div>
  );
}

/** What to do where something is gone or not for this account: asking again would find it no more than before. */
export function WaysOn({ children }: { children?: ReactNode }) {
  const { t } = useWords();
  const account = useSession((session) => session.account);
  const canGoBack = useJourney(({ past }) => past.length > 0);
  return (
    <div className="state-ways">
      {!account && <button type="button" className="plain-button" data-main onClick={() => useSession.getState().setForm("open")}>{t("account.signIn")}</button>}
      {canGoBack && <button type="button" className="plain-button" onClick={goBack}>{t("views.back")}</button>}
      {children}
    </div>
  );
}

/** A panel that could not be filled: what is wrong, and what to do. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useWords();
  const textOf = useErrorText();
  const status = error instanceof Problem ? error.status : -1;
  return (
    <div className="state-failure" role="alert" data-status={status}>
      <p>{textOf(error)}</p>
      {status === 404 ? <WaysOn />
        : status === 401
          ? <button type="button" className="plain-button" data-main onClick={() => useSession.getState().setForm("open")}>{t("account.signIn")}</button>
          : status !== 403 && status !== 410 && retry && <button type="button" className="plain-button" onClick={retry}>{t("common.retry")}</button>}
    </div>
  );
}
