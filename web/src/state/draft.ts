/** The edit that is under way: features that are changed, made, split, merged or retired. */
import type { Geometry } from "geojson";
import { create } from "zustand";
import { applyChangeset } from "../api/changesets";
import { Problem } from "../api/http";
import type { Fault, Item, Layer, Properties } from "../api/types";
import { changed, type Clash, same, threeWay } from "../format/difference";
import { type Piece, toRequest } from "./requests";

export type Op = "create" | "edit" | "retire" | "merge" | "batch";
/** What a click on the map does to the geometry. */
export type Sketch = "off" | "change" | "draw" | "split" | "reshape" | "hole" | "fill";

/** A step of drawing that can be taken back. */
interface Step {
  geometry: Geometry | null;
  pieces: Piece[] | null;
}

export interface Draft extends Step {
  op: Op;
  layer: Layer;
  fid: number | null;
  /** The feature as it was when the edit began, or when a conflict was settled. */
  base: Item | null;
  /** All features that a merge or a batch is about. */
  items: Item[];
  values: Properties;
  past: Step[];
  future: Step[];
  kind: "put" | "correct";
  validFrom: string;
  reason: string;
  source: string;
  sketch: Sketch;
  faults: Fault[];
  problem: Problem | null;
  /** What somebody else has made of it meanwhile; null when they retired it. */
  conflict: { theirs: Item | null } | null;
  saving: boolean;
  /** Is an operation on its way to the server? */
  working: boolean;
  /** What is looked at once it is saved, where that is not the feature itself: a project whose milestone was added. */
  then?: { layer: string; fid: number }[];
}

/** What the drawing tool can take back by itself, while a shape is not finished. */
interface Hand {
  undo: () => boolean;
  redo: () => boolean;
}

interface Drafting {
  draft: Draft | null;
  lastSeq: number | null;
  hand: Hand | null;
  begin: (op: Op, layer: Layer, today: string, item?: Item, given?: Partial<Draft>) => void;
  change: (change: Partial<Draft>) => void;
  setValue: (name: string, value: unknown) => void;
  setPieceValue: (piece: number, name: string, value: unknown) => void;
  setGeometry: (geometry: Geometry | null, pieces?: Piece[] | null) => void;
  undoGeometry: () => void;
  redoGeometry: () => void;
  save: () => Promise<{ seq: number; fid: number } | null>;
  settle: (clashes: Clash[], geometry: "mine" | "theirs") => void;
  end: () => void;
}

/** Return the fields of a draft that differ from where it began. */
export function changedFields(draft: Draft): string[] {
  return changed(draft.base?.properties ?? {}, draft.values, draft.layer.fields.map((field) => field.name));
}

export function geometryChanged(draft: Draft): boolean {
  return draft.pieces !== null || !same(draft.base?.geometry ?? null, draft.geometry);
}

/** Is there anything that closing would lose? */
export function isDirty(draft: Draft): boolean {
  return draft.op === "merge" || (draft.op !== "retire" && (changedFields(draft).length > 0 || geometryChanged(draft)));
}

/** List what both sides changed, for the conflict screen. */
export function clashesOf(draft: Draft): Clash[] {
  const theirs = draft.conflict?.theirs;
  if (!theirs || !draft.base) return [];
  return threeWay(draft.base.properties, draft.values, theirs.properties, draft.layer.fields.map((f) => f.name));
}

const MOST_STEPS = 100;

function stepOf({ geometry, pieces }: Draft): Step {
  return { geometry, pieces };
}

export const useDraft = create<Drafting>()((set, get) => ({
  draft: null,
  lastSeq: null,
  hand: null,
  begin: (op, layer, today, item, given) => set({
    draft: {
      op, layer, fid: item?.id ?? null, base: item ?? null, items: item ? [item] : [],
      values: { ...item?.properties }, geometry: item?.geometry ?? null, pieces: null, past: [], future: [],
      kind: "put", validFrom: today, reason: "", source: "",
      sketch: op === "create" && layer.kind === "spatial" ? "draw" : "off",
      faults: [], problem: null, conflict: null, saving: false, working: false, ...given,
    },
  }),
  change: (change) => set(({ draft }) => ({ draft: draft && { ...draft, ...change } })),
  setValue: (name, value) => set(({ draft }) => ({
    draft: draft && {
      ...draft, values: { ...draft.values, [name]: value },
      faults: draft.faults.filter((fault) => fault.field !== name),
    },
  })),
  setPieceValue: (number, name, value) => set(({ draft }) => ({
    draft: draft && {
      ...draft, pieces: draft.pieces && draft.pieces.map((piece, index) =>
        (index === number ? { ...piece, values: { ...piece.values, [name]: value } } : piece)),
    },
  })),
  setGeometry: (geometry, pieces = null) => set(({ draft }) => ({
    draft: draft && { ...draft, geometry, pieces, past: [...draft.past, stepOf(draft)].slice(-MOST_STEPS), future: [], problem: null },
  })),
  undoGeometry: () => set(({ draft, hand }) => {
    if (!draft || (draft.sketch !== "off" && hand?.undo())) return {};
    const step = draft.past.at(-1);
    if (!step) return {};
    return { draft: { ...draft, ...step, past: draft.past.slice(0, -1), future: [...draft.future, stepOf(draft)], problem: null } };
  }),
  redoGeometry: () => set(({ draft, hand }) => {
    if (!draft || (draft.sketch !== "off" && hand?.redo())) return {};
    const step = draft.future.at(-1);
    if (!step) return {};
    return { draft: { ...draft, ...step, past: [...draft.past, stepOf(draft)], future: draft.future.slice(0, -1), problem: null } };
  }),
  save: async () => {
    const draft = get().draft;
    if (!draft || draft.saving) return null;
    get().change({ saving: true, faults: [], problem: null, conflict: null, sketch: "off" });
    try {
      const applied = await applyChangeset(toRequest(draft));
      set({ draft: null, lastSeq: applied.seq });
      const made = applied.temp_ids.new ?? applied.temp_ids.piece1;
      return { seq: applied.seq, fid: made ?? draft.fid ?? applied.fids[0]! };
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const faults = (problem.faults ?? []).filter((fault): fault is Fault => typeof fault === "object");
      // Only an edit of one feature can be settled field by field; of many, the reader begins again with what stands now.
      const conflict = problem.status === 412 && ["edit", "retire"].includes(draft.op) && !draft.pieces ? { theirs: problem.theirs ?? null } : null;
      get().change({ saving: false, faults, conflict, problem: conflict || faults.length > 0 ? null : problem });
      return null;
    }
  },
  settle: (clashes, geometry) => set(({ draft }) => {
    const theirs = draft?.conflict?.theirs;
    if (!draft || !theirs) return {};
    const values = { ...draft.values };
    for (const clash of clashes) values[clash.name] = clash[clash.side];
    return {
      draft: {
        ...draft, values, base: theirs, conflict: null,
        geometry: geometry === "theirs" ? theirs.geometry : draft.geometry,
      },
    };
  }),
  end: () => set({ draft: null }),
}));
