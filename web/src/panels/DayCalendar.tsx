import Button from "antd/es/button";
import DatePicker from "antd/es/date-picker";
import Input from "antd/es/input";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import "dayjs/locale/zh-cn";
import { today as newestDay } from "../format/instant";
import { useWords } from "../state/preferences";
import { useSession } from "../state/session";
import { useView } from "../state/view";

const YEARS = [1985, 1990, 1995, 2000, 2005, 2010, 2015, 2020, 2025, 2030];

/** Choose the day that everything on the screen is shown for. */
export default function DayCalendar({ close }: { close: () => void }) {
  const { t, language } = useWords();
  const { day, knownAt } = useView((view) => view.time);
  const { setDay, setKnownAt } = useView.getState();
  const auditor = useSession((session) => session.account !== null);
  const today = newestDay();
  dayjs.locale(language === "zh" ? "zh-cn" : "en");
  return (
    <>
      <label className="day-field">
        <span>{t("time.pick")}</span>
        <DatePicker autoFocus allowClear={false} size="middle" value={dayjs(day ?? today)} format="YYYY-MM-DD"
          minDate={dayjs("1900-01-01")} maxDate={dayjs("2100-12-31")}
          onChange={(value) => { setDay(value && value.format("YYYY-MM-DD") !== today ? value.format("YYYY-MM-DD") : null); }} />
      </label>
      <div className="day-years" role="group" aria-label={t("time.years")}>
        {YEARS.map((year) => (
          <button key={year} type="button" aria-pressed={day === `${year}-01-01`} onClick={() => setDay(`${year}-01-01`)}>{year}</button>
        ))}
      </div>
      {auditor && (
        <label className="day-field">
          <span>{t("time.knownAt")}</span>
          <Input size="middle" inputMode="numeric" allowClear defaultValue={knownAt ?? ""} title={t("time.knownHint")}
            onPressEnter={(event) => setKnownAt(event.currentTarget.value.trim() || null)}
            onBlur={(event) => setKnownAt(/^\d*$/.test(event.target.value.trim()) ? event.target.value.trim() || null : knownAt)} />
          <small>{t("time.knownHint")}</small>
        </label>
      )}
      <Button block type={day ? "primary" : "default"} size="middle"
        onClick={() => { setDay(null); setKnownAt(null); close(); }}>{t("time.back")}</Button>
    </>
  );
}
