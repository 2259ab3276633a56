import { FieldTimeOutlined } from "../icons";
import { closeClock, useClock } from "../state/clock";
import { useWords } from "../state/preferences";

/** Opens and closes the time bar. */
export function TimeButton() {
  const { t } = useWords();
  const open = useClock((clock) => clock.open);
  const name = t(open ? "play.close" : "play.open");
  return (
    <button type="button" className="bar-button" aria-pressed={open} aria-label={name} title={name}
      onClick={() => (open ? closeClock() : useClock.setState({ open: true }))}>
      <FieldTimeOutlined />
    </button>
  );
}
