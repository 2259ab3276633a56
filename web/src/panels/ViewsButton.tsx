import { BookOutlined } from "../icons";
import { useState } from "react";
import { later } from "../later";
import { useWords } from "../state/preferences";

const ViewsDialog = later(() => import("./ViewsDialog"));

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
      {open && <ViewsDialog close={() => setOpen(false)} />}
    </>
  );
}
