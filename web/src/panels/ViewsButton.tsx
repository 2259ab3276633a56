import { BookOutlined } from "../icons";
import { lazy, Suspense, useState } from "react";
import { useWords } from "../state/preferences";

const ViewsDialog = lazy(() => import("./ViewsDialog"));

/** Opens short links and bookmarks. */
export function ViewsButton() {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="bar-button" aria-haspopup="dialog" aria-label={t("views.title")} title={t("views.title")}
        onClick={() => setOpen(true)}>
        <BookOutlined />
      </button>
      {open && <Suspense fallback={null}><ViewsDialog close={() => setOpen(false)} /></Suspense>}
    </>
  );
}
