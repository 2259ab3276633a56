/** The edit that is under way: one feature, changed, made or retired. */
import type { Geometry } from "geojson";
import { create } from "zustand";
import { applyChangeset } from "../api/changesets";
import { Problem } from "../api/http";
import type { Edit, Fault, Item, Layer, Properties } from "../api/types";
import { toMs } from "../format/instant";
import { changed, type Clash, same, threeWay } from "../format/difference";

export type Op = "create" | "edit" | "retire";

export interface Draft {
  op: Op;
  layer: Layer;
  fid: number | null;
  /** The feature as it was when the edit began, or when a conflict was settled. */
  base: Item | null;
  values: Properties;
  geometry: Geometry | null;
  /** Earlier geometries of this edit, for undoing step by step. */
  geometryPast: (Geometry | null)[];
  kind: "put" | "correct";
  validFrom: string;
  reason: string;
  source: string;
  /** Is the geometry being drawn or changed on the map? */
  sketch: "off" | "change" | "draw";
  faults: Fault[];
  problem: Problem | null;
  /** What somebody else has made of it meanwhile; null when they retired it. */
  conflict: { theirs: Item | null } | null;
  saving: boolean;
}

interface Drafting {
  draft: Draft | null;
  lastSeq: number | null;
  begin: (op: Op, layer: Layer, today: string, item?: Item) => void;
  change: (change: Partial<Draft>) => void;
  setValue: (name: string, value: unknown) => void;
  setGeometry: (geometry: Geometry | null) => void;
  undoGeometry: () => void;
  save: () => Promise<{ seq: number; fid: number } | null>;
  settle: (clashes: Clash[], geometry: "mine" | "theirs") => void;
  end: () => void;
}

/** Return the fields of a draft that differ from where it began. */
export function changedFields(draft: Draft): string[] {
  return changed(draft.base?.properties ?? {}, draft.values, draft.layer.fields.map((field) => field.name));
}

export function geometryChanged(draft: Draft): boolean {
  return !same(draft.base?.geometry ?? null, draft.geometry);
}

/** Is there anything that closing would lose? */
export function isDirty(draft: Draft): boolean {
  return draft.op !== "retire" && (changedFields(draft).length > 0 || geometryChanged(draft));
}

function versionOf(item: Item | null): number | undefined {
  const version = item?.properties.version;
  return typeof version === "number" ? version : undefined;
}

/**
 * Return from when the edit is to hold: the chosen day, but not before the version it began at.
 *
 * A change that began before would end where that version begins, and what was edited would stay as it is. This matters
 * when the version began later on the chosen day, or was put in force by somebody else meanwhile.
 */
export function effectiveFrom(draft: Draft): string {
  const begun = draft.base?.properties.valid_from;
  return typeof begun === "string" && toMs(begun) > toMs(draft.validFrom) ? begun : draft.validFrom;
}

/** Write a draft as the edit that goes to the server. */
export function toEdit(draft: Draft): Edit {
  const { layer, op, base, values } = draft;
  if (op === "retire") {
    return { layer: layer.id, op: "retire", fid: draft.fid!, valid_from: effectiveFrom(draft), expected_version: versionOf(base) };
  }
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  if (op === "create") {
    return {
      layer: layer.id, op: "create", temp_id: "new", properties: given,
      geometry: draft.geometry ?? undefined, valid_from: draft.validFrom,
    };
  }
  const properties = Object.fromEntries(changedFields(draft).map((name) => [name, values[name] ?? null]));
  return {
    layer: layer.id, op: draft.kind, fid: draft.fid!, properties, partial: true,
    ...(geometryChanged(draft) ? { geometry: draft.geometry } : {}),
    ...(draft.kind === "put" ? { valid_from: effectiveFrom(draft) } : {}),
    expected_version: versionOf(base),
  };
}

/** List what both sides changed, for the conflict screen. */
export function clashesOf(draft: Draft): Clash[] {
  const theirs = draft.conflict?.theirs;
  if (!theirs) return [];
  return threeWay(draft.base?.properties ?? {}, draft.values, theirs.properties, draft.layer.fields.map((f) => f.name));
}

export const useDraft = create<Drafting>()((set, get) => ({
  draft: null,
  lastSeq: null,
  begin: (op, layer, today, item) => set({
    draft: {
      op, layer, fid: item?.id ?? null, base: item ?? null,
      values: { ...item?.properties }, geometry: item?.geometry ?? null, geometryPast: [],
      kind: "put", validFrom: today, reason: "", source: "",
      sketch: op === "create" && layer.kind === "spatial" ? "draw" : "off",
      faults: [], problem: null, conflict: null, saving: false,
    },
  }),
  change: (change) => set(({ draft }) => ({ draft: draft && { ...draft, ...change } })),
  setValue: (name, value) => set(({ draft }) => ({
    draft: draft && {
      ...draft, values: { ...draft.values, [name]: value },
      faults: draft.faults.filter((fault) => fault.field !== name),
    },
  })),
  setGeometry: (geometry) => set(({ draft }) => ({
    draft: draft && { ...draft, geometry, geometryPast: [...draft.geometryPast, draft.geometry].slice(-100) },
  })),
  undoGeometry: () => set(({ draft }) => {
    if (!draft || draft.geometryPast.length === 0) return {};
    return { draft: { ...draft, geometry: draft.geometryPast.at(-1)!, geometryPast: draft.geometryPast.slice(0, -1) } };
  }),
  save: async () => {
    const draft = get().draft;
    if (!draft || draft.saving) return null;
    get().change({ saving: true, faults: [], problem: null, conflict: null, sketch: "off" });
    try {
      const applied = await applyChangeset({
        edits: [toEdit(draft)], reason: draft.reason.trim(), ...(draft.source.trim() ? { source: { document: draft.source.trim() } } : {}),
      });
      set({ draft: null, lastSeq: applied.seq });
      return { seq: applied.seq, fid: draft.fid ?? applied.temp_ids.new ?? applied.fids[0]! };
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const faults = (problem.faults ?? []).filter((fault): fault is Fault => typeof fault === "object");
      const conflict = problem.status === 412 ? { theirs: problem.theirs ?? null } : null;
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
