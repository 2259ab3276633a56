import { HistoryOutlined } from "../icons";
import { today } from "../format/instant";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

/** Says aloud that the map does not show today. */
export function DayBanner() {
  const { t } = useWords();
  const { day, until, knownAt } = useView((view) => view.time);
  if (!day && !knownAt) return null;
  const { setDay, setKnownAt } = useView.getState();
  return (
    <div className="banner" role="status">
      <HistoryOutlined />
      <span>
        {day && t(day > today() ? "time.future" : "time.past", { date: until ? `${day} – ${until}` : day })}
        {knownAt && ` ${t("time.known", { seq: knownAt })}`}
      </span>
      <button type="button" onClick={() => { setDay(null); setKnownAt(null); }}>{t("time.back")}</button>
    </div>
  );
}
