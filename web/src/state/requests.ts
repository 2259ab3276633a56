/** What a draft sends to the server: always one changeset. */
import type { Geometry } from "geojson";
import type { ChangesetRequest, Edit, Item, Layer, Properties } from "../api/types";
import { changed, same } from "../format/difference";
import { toMs } from "../format/instant";
import type { Draft } from "./draft";

/** One of the features that a split makes: its geometry as the server cut it, and the values that are its own. */
export interface Piece {
  geometry: Geometry;
  areaM2: number | null;
  lengthM: number;
  values: Properties;
}

function versionOf(item: Item | null): number | undefined {
  const version = item?.properties.version;
  return typeof version === "number" ? version : undefined;
}

/**
 * Return from when a change of a feature is to hold: the chosen day, but not before the version it began at.
 *
 * A change that began before would end where that version begins, and what was edited would stay as it is. This matters
 * when the version began later on the chosen day, or was put in force by somebody else meanwhile.
 */
export function effectiveFrom(draft: Draft, item: Item | null = draft.base): string {
  const begun = item?.properties.valid_from;
  return typeof begun === "string" && toMs(begun) > toMs(draft.validFrom) ? begun : draft.validFrom;
}

function retire(draft: Draft, item: Item): Edit {
  return { layer: draft.layer.id, op: "retire", fid: item.id, valid_from: effectiveFrom(draft, item), expected_version: versionOf(item) };
}

function given(layer: Layer, values: Properties): Properties {
  const own = new Set(layer.fields.map((field) => field.name));
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => own.has(name) && value !== undefined && value !== null));
}

function namesOf(layer: Layer): string[] {
  return layer.fields.map((field) => field.name);
}

/** Write a draft of one feature as the edit that goes to the server. */
export function toEdit(draft: Draft): Edit {
  const { layer, op, base, values } = draft;
  if (op === "retire") return retire(draft, base!);
  if (op === "create") {
    return {
      layer: layer.id, op: "create", temp_id: "new", properties: given(layer, values),
      geometry: draft.geometry ?? undefined, valid_from: draft.validFrom,
    };
  }
  const properties = Object.fromEntries(changed(base?.properties ?? {}, values, namesOf(layer)).map((name) => [name, values[name] ?? null]));
  return {
    layer: layer.id, op: draft.kind, fid: draft.fid!, properties, partial: true,
    ...(same(base?.geometry ?? null, draft.geometry) ? {} : { geometry: draft.geometry }),
    ...(draft.kind === "put" ? { valid_from: effectiveFrom(draft) } : {}),
    expected_version: versionOf(base),
  };
}

/** The latest of the days from which the features of a draft may change: successors begin when the last predecessor may end. */
function latest(draft: Draft): string {
  return draft.items.map((item) => effectiveFrom(draft, item)).reduce((a, b) => (toMs(a) >= toMs(b) ? a : b), draft.validFrom);
}

function created(draft: Draft, tempId: string, geometry: Geometry | null, values: Properties, at: string): Edit {
  return { layer: draft.layer.id, op: "create", temp_id: tempId, properties: given(draft.layer, values), geometry, valid_from: at };
}

function succession(draft: Draft, kind: "split" | "merge", edits: Edit[], at: string): Pick<ChangesetRequest, "edits" | "lineage"> {
  const ended = draft.items.map((item) => ({ ...retire(draft, item), valid_from: at }));
  return {
    edits: [...ended, ...edits],
    lineage: [{
      kind, at, predecessors: ended.map((edit) => ({ layer: edit.layer, fid: edit.fid! })),
      successors: edits.map((edit) => ({ layer: edit.layer, fid: `$${edit.temp_id}` })),
    }],
  };
}

function what(draft: Draft): Pick<ChangesetRequest, "edits" | "lineage"> {
  if (draft.pieces) {
    const at = latest(draft);
    return succession(draft, "split", draft.pieces.map((piece, index) =>
      created(draft, `piece${index + 1}`, piece.geometry, { ...draft.values, ...piece.values }, at)), at);
  }
  if (draft.op === "merge") {
    const at = latest(draft);
    return succession(draft, "merge", [created(draft, "new", draft.geometry, draft.values, at)], at);
  }
  if (draft.op === "batch") {
    const properties = Object.fromEntries(changed({}, draft.values, namesOf(draft.layer)).map((name) => [name, draft.values[name]]));
    return {
      edits: draft.items.map((item) => ({
        layer: draft.layer.id, op: "put" as const, fid: item.id, properties, partial: true,
        valid_from: effectiveFrom(draft, item), expected_version: versionOf(item),
      })),
    };
  }
  return { edits: [toEdit(draft)] };
}

/** Write a draft as the changeset that goes to the server. */
export function toRequest(draft: Draft): ChangesetRequest {
  const source = draft.source.trim();
  return { ...what(draft), reason: draft.reason.trim(), ...(source ? { source: { document: source } } : {}) };
}

/**
 * Return the values that a successor of a split begins with, beside those of its predecessor: a number of its own, the
 * area that was cut; official codes are not inherited.
 */
export function valuesOfPiece(layer: Layer, base: Properties, number: number, areaM2: number | null): Properties {
  const own: Properties = {};
  for (const field of layer.fields) {
    const value = base[field.name];
    if (value === null || value === undefined) continue;
    if (field.name === layer.key && field.type === "string") own[field.name] = `${value}-${number}`;
    else if (!field.required && (field.type === "codes" || (field.search === "code" && field.pattern))) own[field.name] = null;
    else if (field.name === "area_m2" && areaM2 !== null) own[field.name] = Math.round(areaM2 * 100) / 100;
  }
  return own;
}
