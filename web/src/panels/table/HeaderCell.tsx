import { CaretDownFilled, CaretUpFilled, FilterFilled } from "../../icons";
import Popover from "antd/es/popover";
import { useState } from "react";
import type { Layer, LayerField } from "../../api/types";
import { pick } from "../../format/text";
import { unitOf } from "../../format/value";
import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";
import { FilterForm } from "./FilterForm";

// A list of codes has no order of its own.
const UNSORTED = new Set(["codes", "json"]);

/** The head of a column: a click sorts, the funnel filters. */
export function HeaderCell({ layer, field }: { layer: Layer; field: LayerField }) {
  const { t, language } = useWords();
  const [open, setOpen] = useState(false);
  const sort = useView((view) => view.sort[layer.id]);
  const filtered = useView((view) => view.filters[layer.id]?.some((condition) => condition.field === field.name) ?? false);
  const { setSort } = useView.getState();
  const title = pick(field.title, language);
  const unit = unitOf(field, language);
  const sorted = sort?.field === field.name ? (sort.descending ? "descending" : "ascending") : "none";
  const turn = () => {
    if (sorted === "none") setSort(layer.id, { field: field.name, descending: false });
    else if (sorted === "ascending") setSort(layer.id, { field: field.name, descending: true });
    else setSort(layer.id, null);
  };
  return (
    <div role="columnheader" aria-sort={sorted} className="grid-cell grid-title" data-numeric={field.type === "integer" || field.type === "number"} data-filtered={filtered}>
      {UNSORTED.has(field.type) ? <span>{title}</span> : (
        <button type="button" className="grid-sort" title={t("table.sort", { field: title })} onClick={turn}>
          <span>{title}{unit && <small> {unit}</small>}</span>
          {sorted === "ascending" && <CaretUpFilled />}
          {sorted === "descending" && <CaretDownFilled />}
        </button>
      )}
      <Popover trigger="click" open={open} onOpenChange={setOpen} destroyOnHidden placement="top"
        content={<FilterForm layer={layer} field={field} close={() => setOpen(false)} />}>
        <button type="button" className="quiet grid-filter" aria-label={t("table.filter", { field: title })} title={t("table.filter", { field: title })}>
          <FilterFilled />
        </button>
      </Popover>
    </div>
  );
}
