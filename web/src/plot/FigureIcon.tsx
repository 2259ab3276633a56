import type { FigureKind } from "../format/figures";
import { SYMBOLS } from "../format/symbols";

const FIGURES: Record<Exclude<FigureKind, "symbol">, string> = {
  text: "M5 6V4h14v2M12 4v16M9 20h6",
  line: "M3 19 9 8l6 7 6-11",
  freehand: "M3 16c3-9 6-9 7-4s3 6 5 0 3-6 6-6",
  polygon: "M5 9 13 3l7 7-3 10H7z",
  circle: "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  sector: "M4 20V4a16 16 0 0 1 16 16z",
  arrow: "M4 20 18 6M10 5h9v9",
  attack: "M3 21c1-8 4-12 10-14l-1-4 9 5-6 8-1-4c-4 1-7 4-11 9z",
  assembly: "M6 17c-5-4-2-11 4-10 4-5 12-1 9 5 3 5-3 9-7 6-2 2-4 1-6-1z",
};

/** The picture of a figure, or of a symbol. */
export function FigureIcon({ kind, symbol }: { kind: FigureKind; symbol?: string }) {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" strokeLinecap="round" aria-hidden="true">
      <path d={kind === "symbol" ? SYMBOLS[symbol ?? "pin"] ?? SYMBOLS.pin! : FIGURES[kind]} />
    </svg>
  );
}
