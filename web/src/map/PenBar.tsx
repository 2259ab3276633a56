import { useWords } from "../state/preferences";
import { usePen } from "../state/pen";

/** For fingers: end the figure that is being drawn, or take its last position back. */
export function PenBar() {
  const { t } = useWords();
  const { count, finish, back } = usePen();
  if (count === 0) return null;
  return (
    <div className="pen-bar" role="toolbar" aria-label={t("pen.title")}>
      {back && <button type="button" onClick={back}>{t("pen.back")}</button>}
      {finish && <button type="button" className="pen-finish" onClick={finish}>{t("pen.finish")}</button>}
    </div>
  );
}
