import { useEffect } from "react";
import { useDraft } from "../state/draft";
import { goBack, goForth } from "../state/kept";
import { usePreferences } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Answer the keys that work everywhere. */
export function useKeys(): void {
  const layers = useLayers();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.altKey && !event.ctrlKey && !event.metaKey && /^Arrow(Left|Right)$/.test(event.key) && !isTyping(event.target)) {
        event.preventDefault();
        if (event.key === "ArrowLeft") goBack();
        else goForth();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const view = useView.getState();
      if (event.key === "Escape") {
        if (document.querySelector(".ant-modal-wrap:not([style*='display: none']), .ant-picker-dropdown:not(.ant-picker-dropdown-hidden)")) return;
        if (useDraft.getState().draft || view.tool === "measure" || view.tool === "area" || view.tool === "plot") return;
        if (isTyping(event.target)) (event.target as HTMLElement).blur();
        else if (view.selection.length > 0) view.select([]);
        else if (view.table) view.openTable(null);
        return;
      }
      if (isTyping(event.target)) return;
      if (event.key === "/") {
        event.preventDefault();
        document.getElementById("search")?.focus();
      } else if (event.key === "l") {
        const preferences = usePreferences.getState();
        preferences.setLayersOpen(!preferences.layersOpen);
      } else if (event.key === "t") {
        const last = view.selection[view.focus]?.layer;
        view.openTable(view.table ? null : last ?? layers.find((layer) => layer.id === "building")?.id ?? layers[0]?.id ?? null);
      } else if (event.key === "b") usePreferences.getState().setDisplay("big");
      else if (event.key === "0") view.setDay(null);
      else if (event.key === "?") document.getElementById("keys")?.click();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [layers]);
}
