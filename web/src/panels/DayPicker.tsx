import { CalendarOutlined } from "../icons";
import { useEffect, useRef, useState } from "react";
import { later } from "../later";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import { Loading } from "./PanelState";

const DayCalendar = later(() => import("./DayCalendar"), <Loading />);

/** The button that says which day the map shows, and opens the calendar. */
export function DayPicker() {
  const { t } = useWords();
  const day = useView((view) => view.time.day);
  const [open, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return undefined;
    const press = (event: Event) => {
      const target = event.target as HTMLElement;
      const outside = !frame.current?.contains(target) && !target.closest(".ant-picker-dropdown, .ant-select-dropdown");
      if (outside || (event instanceof KeyboardEvent && event.key === "Escape")) setOpen(false);
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape") press(event);
    };
    window.addEventListener("pointerdown", press);
    window.addEventListener("keydown", key);
    return () => {
      window.removeEventListener("pointerdown", press);
      window.removeEventListener("keydown", key);
    };
  }, [open]);

  return (
    <div className="day" ref={frame}>
      <button type="button" className="bar-button day-button" data-set={day !== null} aria-haspopup="dialog" aria-expanded={open}
        title={t("time.pick")} onClick={() => setOpen(!open)}>
        <CalendarOutlined /><span>{day ?? t("time.today")}</span>
      </button>
      {open && (
        <div className="day-popup" role="dialog" aria-label={t("time.pick")}>
          <DayCalendar close={() => setOpen(false)} />
        </div>
      )}
    </div>
  );
}
