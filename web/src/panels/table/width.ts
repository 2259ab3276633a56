import type { LayerField } from "../../api/types";

const WIDTHS: Partial<Record<LayerField["type"], number>> = {
  integer: 104, number: 116, boolean: 80, date: 108, datetime: 140, code: 124, reference: 150, text: 240, codes: 220,
};

/** How wide a column is, in pixels. */
export function widthOf(field: LayerField): number {
  if (field.type !== "string") return WIDTHS[field.type] ?? 140;
  return field.search === "address" ? 230 : field.search === "name" ? 190 : 140;
}
