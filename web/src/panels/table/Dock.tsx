import { type KeyboardEvent, type PointerEvent, type ReactNode, useEffect } from "react";
import { usePreferences, useWords } from "../../state/preferences";

const LEAST_PX = 140;
const KEY_STEP_PX = 24;

/** The panel at the bottom, whose height can be dragged. */
export function Dock({ label, children }: { label: string; children: ReactNode }) {
  const { t } = useWords();
  const { tableHeight, setTableHeight } = usePreferences();
  const most = Math.round(window.innerHeight * 0.75);
  const height = Math.min(most, Math.max(LEAST_PX, tableHeight));

  useEffect(() => {
    document.documentElement.style.setProperty("--dock", `${height}px`);
    return () => void document.documentElement.style.removeProperty("--dock");
  }, [height]);

  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const grip = event.currentTarget;
    const start = event.clientY;
    grip.setPointerCapture(event.pointerId);
    grip.onpointermove = (move) => setTableHeight(Math.min(most, Math.max(LEAST_PX, height + start - move.clientY)));
    grip.onpointerup = () => {
      grip.onpointermove = grip.onpointerup = null;
    };
  };
  const key = (event: KeyboardEvent) => {
    const step = event.key === "ArrowUp" ? KEY_STEP_PX : event.key === "ArrowDown" ? -KEY_STEP_PX : 0;
    if (step === 0) return;
    event.preventDefault();
    setTableHeight(Math.min(most, Math.max(LEAST_PX, height + step)));
  };
  return (
    <section className="panel dock" data-covers="bottom" aria-label={label} style={{ height }}>
      <div className="dock-grip" role="separator" aria-orientation="horizontal" tabIndex={0} aria-label={t("table.resize")}
        aria-valuenow={height} aria-valuemin={LEAST_PX} aria-valuemax={most} onPointerDown={drag} onKeyDown={key} />
      {children}
    </section>
  );
}
