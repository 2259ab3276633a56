import { type CSSProperties, type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { useChanged } from "../state/changed";
import { useWords } from "../state/preferences";
import type { Compare, Side } from "../state/sides";
import { useView } from "../state/view";
import { Bar } from "./Bar";
import { ChangeList } from "./ChangeList";
import { Pane } from "./Pane";
import "../styles/compare.css";

export const LETTERS = ["A", "B", "C", "D"];
const GLASS_PX = 130;

/** The line between the two sides of a swipe; it is a slider for the keyboard. */
function Divider({ compare }: { compare: Compare }) {
  const { t } = useWords();
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const frame = event.currentTarget.parentElement!.getBoundingClientRect();
    const at = Math.min(1, Math.max(0, (event.clientX - frame.left) / frame.width));
    useView.getState().setCompare({ ...useView.getState().compare!, at });
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    useView.getState().setCompare({ ...compare, at: Math.min(1, Math.max(0, compare.at + step)) });
  };
  return (
    <div className="divider" role="slider" tabIndex={0} aria-label={t("compare.divider")} aria-valuemin={0} aria-valuemax={100}
      aria-valuenow={Math.round(compare.at * 100)} style={{ left: `${compare.at * 100}%` }} onKeyDown={press}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)} onPointerMove={(event) => { if (event.buttons === 1) drag(event); }}>
      <i aria-hidden="true" />
    </div>
  );
}

/** Where the glass is: under the pointer, or in the middle before it has come. */
function useGlass(active: boolean): { x: number; y: number } | null {
  const [at, setAt] = useState<{ x: number; y: number } | null>(null);
  useEffect(() => {
    if (!active) return undefined;
    const stage = document.querySelector<HTMLElement>(".stage");
    const move = (event: globalThis.PointerEvent) => {
      const frame = stage!.getBoundingClientRect();
      setAt({ x: event.clientX - frame.left, y: event.clientY - frame.top });
    };
    stage?.addEventListener("pointermove", move);
    return () => stage?.removeEventListener("pointermove", move);
  }, [active]);
  return at;
}

function clipOf(compare: Compare, glass: { x: number; y: number } | null): CSSProperties | undefined {
  if (compare.mode === "swipe") return { clipPath: `inset(0 0 0 ${compare.at * 100}%)` };
  if (compare.mode === "spyglass") return { clipPath: `circle(${GLASS_PX}px at ${glass ? `${glass.x}px ${glass.y}px` : "50% 50%"})`, pointerEvents: "none" };
  return undefined;
}

/** Other days, layers and filters beside the map or over it. */
export default function Comparison() {
  const compare = useView((view) => view.compare)!;
  const open = useChanged((changed) => changed.open);
  const glass = useGlass(compare.mode === "spyglass");
  const ring = useRef<HTMLDivElement>(null);
  useEffect(() => () => useChanged.setState({ open: false, listed: [] }), []);
  const change = (index: number, part: Partial<Side>) => {
    const { compare: now, setCompare } = useView.getState();
    if (now) setCompare({ ...now, sides: now.sides.map((side, i) => (i === index ? { ...side, ...part } : side)) });
  };
  const linked = compare.linked || compare.mode !== "split";
  return (
    <div className="comparison" data-mode={compare.mode} data-panes={compare.sides.length + 1}>
      {compare.sides.map((side, index) => (
        <Pane key={index} side={side} name={LETTERS[index + 1]!} linked={linked} isGlass={compare.mode === "spyglass"} style={clipOf(compare, glass)}
          moved={(camera) => { if (!linked) change(index, { camera }); }} />
      ))}
      {compare.mode === "swipe" && <Divider compare={compare} />}
      {compare.mode === "spyglass" && <div ref={ring} className="glass" style={glass ? { left: glass.x, top: glass.y } : undefined} aria-hidden="true" />}
      <Bar compare={compare} change={change} />
      {open && <ChangeList compare={compare} />}
    </div>
  );
}
