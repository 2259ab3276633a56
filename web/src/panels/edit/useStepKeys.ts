import { useEffect } from "react";
import { useDraft } from "../../state/draft";

/** Let Ctrl+Z and Ctrl+Shift+Z (or Ctrl+Y) take back and do again a step of drawing; in a text they are the browser's own. */
export function useStepKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const { target } = event;
      if (target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) useDraft.getState().redoGeometry();
      else useDraft.getState().undoGeometry();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
