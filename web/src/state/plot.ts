/** Plotting that is under way: marks that were drawn and are not saved yet, or were saved and are changed. */
import type { Position } from "geojson";
import { create } from "zustand";
import { applyChangeset } from "../api/changesets";
import { Problem } from "../api/http";
import type { Edit, Item } from "../api/types";
import { type FigureKind, figureOf, POSITIONS } from "../format/figures";
import { today, toMs } from "../format/instant";

export const ANNOTATIONS = "annotation";

export interface MarkStyle {
  symbol: string;
  color: string;
  widthPx: number;
  opacity: number;
  dashed: boolean;
}

export interface Mark extends MarkStyle {
  key: string;
  kind: FigureKind;
  title: string;
  note: string;
  positions: Position[];
  /** Who sees it: a code of the layer's field; empty leaves it to the server, which shows it to its owner alone. */
  seenBy: string;
  /** The feature that it was read from, when it is not new. */
  item: Item | null;
}

interface Plot {
  topic: string;
  /** Who shall see what is drawn next. */
  seenBy: string;
  /** What a click draws; null chooses and moves what is there. */
  kind: FigureKind | null;
  style: MarkStyle;
  title: string;
  marks: Mark[];
  /** Saved marks that were taken away. */
  removed: Item[];
  /** Positions of the figure that is being drawn. */
  drawing: Position[];
  chosen: string | null;
  past: Mark[][];
  future: Mark[][];
  saving: boolean;
  problem: Problem | null;
  /** Forget what is not saved. */
  clear: () => void;
  set: (change: Partial<Pick<Plot, "topic" | "title" | "problem">>) => void;
  /** Let these people see what is drawn next, and what is new and not saved yet. */
  setSeenBy: (seenBy: string) => void;
  setKind: (kind: FigureKind | null) => void;
  setStyle: (change: Partial<MarkStyle>) => void;
  choose: (key: string | null) => void;
  put: (position: Position) => void;
  finish: () => void;
  /** Put a figure whole, as the freehand line is drawn. */
  add: (kind: FigureKind, positions: Position[]) => void;
  change: (key: string, change: Partial<Mark>, step?: boolean) => void;
  remove: (key: string) => void;
  undo: () => void;
  redo: () => void;
  load: (items: Item[]) => void;
  save: (reason: string) => Promise<{ seq: number; count: number } | null>;
}

let keys = 0;
const BLANK = { marks: [] as Mark[], removed: [] as Item[], drawing: [] as Position[], chosen: null, past: [], future: [], problem: null, kind: null };
export const SIZES: Partial<Record<FigureKind, number>> = { symbol: 30, text: 18 };
const LINE_PX = 3;

function markOf(item: Item): Mark {
  const p = item.properties;
  const kind = (p.kind ?? "line") as FigureKind;
  const given = typeof p.shape === "string" ? JSON.parse(p.shape) as unknown : p.shape;
  return {
    key: `f${item.id}`, kind, item, title: String(p.title ?? ""), note: String(p.note ?? ""), symbol: String(p.symbol ?? "pin"),
    seenBy: String(p.seen_by ?? ""), color: String(p.color ?? "#d6336c"), widthPx: Number(p.width_px ?? SIZES[kind] ?? LINE_PX), opacity: Number(p.opacity ?? 0.25), dashed: p.dashed === true,
    positions: Array.isArray(given) ? given as Position[] : item.geometry?.type === "Point" ? [item.geometry.coordinates] : [],
  };
}

function editOf(mark: Mark, topic: string): Edit {
  const properties = {
    title: mark.title || null, kind: mark.kind, symbol: mark.kind === "symbol" ? mark.symbol : null, topic, color: mark.color, width_px: mark.widthPx,
    opacity: mark.opacity, dashed: mark.dashed, note: mark.note || null, shape: mark.positions,
    ...(mark.seenBy ? { seen_by: mark.seenBy } : {}),
  };
  const geometry = figureOf(mark.kind, mark.positions);
  if (!mark.item) {
    return { layer: ANNOTATIONS, op: "create", temp_id: mark.key, properties, geometry, valid_from: today() };
  }
  const begun = mark.item.properties.valid_from;
  const from = typeof begun === "string" && toMs(begun) > toMs(today()) ? begun : today();
  return {
    layer: ANNOTATIONS, op: "put", fid: mark.item.id, partial: true, properties, geometry, valid_from: from,
    expected_version: mark.item.properties.version as number,
  };
}

/** Is a mark as it was read? Then saving has nothing to say about it. */
function isTouched(mark: Mark): boolean {
  if (!mark.item) return true;
  const { item: _was, ...now } = mark;
  const { item: _read, ...before } = markOf(mark.item);
  return JSON.stringify(now) !== JSON.stringify(before);
}

export function unsaved({ marks, removed }: Pick<Plot, "marks" | "removed">): number {
  return marks.filter(isTouched).length + removed.length;
}

export const usePlot = create<Plot>()((set, get) => {
  const step = (marks: Mark[]) => set(({ marks: before, past }) => ({ marks, past: [...past, before].slice(-100), future: [], problem: null }));
  return {
    ...BLANK, topic: "", title: "", seenBy: "", saving: false,
    style: { symbol: "pin", color: "#d6336c", widthPx: LINE_PX, opacity: 0.25, dashed: false },
    clear: () => set(BLANK),
    set: (change) => set(change),
    setSeenBy: (seenBy) => set(({ marks }) => ({ seenBy, marks: marks.map((mark) => (mark.item ? mark : { ...mark, seenBy })) })),
    setKind: (kind) => set(({ style }) => ({
      kind, drawing: [], chosen: null, style: kind ? { ...style, widthPx: SIZES[kind] ?? LINE_PX } : style,
    })),
    setStyle: (change) => set(({ style }) => ({ style: { ...style, ...change } })),
    choose: (chosen) => set({ chosen }),
    put: (position) => {
      const { kind, drawing } = get();
      if (!kind) return;
      const positions = [...drawing, position];
      if (positions.length === POSITIONS[kind][1]) get().add(kind, positions);
      else set({ drawing: positions });
    },
    finish: () => {
      const { kind, drawing } = get();
      if (kind && drawing.length >= POSITIONS[kind][0]) get().add(kind, drawing);
    },
    add: (kind, positions) => {
      const { style, title, marks, seenBy } = get();
      const mark: Mark = { ...style, seenBy, key: `n${(keys += 1)}`, kind, positions, title, note: "", item: null };
      step([...marks, mark]);
      set({ drawing: [], chosen: mark.key });
    },
    change: (key, change, isStep = true) => {
      const marks = get().marks.map((mark) => (mark.key === key ? { ...mark, ...change } : mark));
      if (isStep) step(marks);
      else set({ marks });
    },
    remove: (key) => {
      const mark = get().marks.find((candidate) => candidate.key === key);
      step(get().marks.filter((candidate) => candidate.key !== key));
      set(({ removed, chosen }) => ({ removed: mark?.item ? [...removed, mark.item] : removed, chosen: chosen === key ? null : chosen }));
    },
    undo: () => set(({ drawing, past, marks, future, removed }) => {
      if (drawing.length > 0) return { drawing: drawing.slice(0, -1) };
      const before = past.at(-1);
      if (!before) return {};
      const back = new Set(before.map((mark) => mark.key));
      return { marks: before, past: past.slice(0, -1), future: [...future, marks], chosen: null, removed: removed.filter((item) => !back.has(`f${item.id}`)) };
    }),
    redo: () => set(({ past, marks, future, removed }) => {
      const after = future.at(-1);
      if (!after) return {};
      const gone = marks.filter((mark) => mark.item && !after.some((other) => other.key === mark.key)).map((mark) => mark.item!);
      return { marks: after, past: [...past, marks], future: future.slice(0, -1), chosen: null, removed: [...removed, ...gone] };
    }),
    load: (items) => {
      const known = new Set(get().marks.map((mark) => mark.key));
      const fresh = items.map(markOf).filter((mark) => !known.has(mark.key));
      set(({ marks, topic }) => ({ marks: [...marks, ...fresh], kind: null, chosen: fresh[0]?.key ?? null, topic: topic || String(items[0]?.properties.topic ?? "") }));
    },
    save: async (reason) => {
      const { marks, removed, topic } = get();
      set({ saving: true, problem: null });
      try {
        const edits: Edit[] = [
          ...marks.filter(isTouched).map((mark) => editOf(mark, topic.trim())),
          ...removed.map((item): Edit => ({
            layer: ANNOTATIONS, op: "retire", fid: item.id, expected_version: item.properties.version as number,
            valid_from: typeof item.properties.valid_from === "string" && toMs(item.properties.valid_from) > toMs(today()) ? item.properties.valid_from : today(),
          })),
        ];
        const applied = await applyChangeset({ edits, reason });
        set({ ...BLANK, saving: false });
        return { seq: applied.seq, count: edits.length };
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        set({ saving: false, problem });
        return null;
      }
    },
  };
});
