import type { MouseEvent } from "react";
import type { Item, LayerField } from "../../api/types";
import { formatValue } from "../../format/value";
import { formatMoment, toMs } from "../../format/instant";
import { useWords } from "../../state/preferences";
import { useTimeZone } from "../../state/queries";
import type { When } from "../../state/titles";
import { RefTitle } from "../RefTitle";

interface Shown {
  item: Item;
  fields: LayerField[];
  /** The interval whose versions are shown; null where all rows hold at one moment. */
  span: { from: number; until: number } | null;
  /** The moment or interval that the rows are shown for. */
  when: When;
  template: string;
  index: number;
  top?: number;
  chosen: boolean;
  active: boolean;
  onClick?: (event: MouseEvent) => void;
  onDoubleClick?: () => void;
}

const NUMERIC = new Set(["integer", "number"]);

/** The id of a row: of an interval a feature may have several. */
export function rowId(item: Item): string {
  return `row-${item.id}-${String(item.properties.version)}`;
}

/** What a version does within an interval: it appears, it vanishes, it does both, or it holds throughout. */
function changeOf(item: Item, { from, until }: { from: number; until: number }): "appears" | "vanishes" | "both" | "holds" {
  const [begin, end] = [item.properties.valid_from, item.properties.valid_to].map((at) => (typeof at === "string" ? toMs(at) : null));
  const appears = begin !== null && begin! >= from && begin! < until;
  const vanishes = end !== null && end! > from && end! <= until;
  return appears && vanishes ? "both" : appears ? "appears" : vanishes ? "vanishes" : "holds";
}

function SpanCells({ item, span }: { item: Item; span: { from: number; until: number } }) {
  const { t } = useWords();
  const zone = useTimeZone();
  const change = changeOf(item, span);
  const moment = (at: unknown) => (typeof at === "string" ? formatMoment(at, zone) : "–");
  return (
    <>
      <div role="gridcell" className="grid-cell" data-span={change}>{t(`table.${change}`)}</div>
      <div role="gridcell" className="grid-cell">{moment(item.properties.valid_from)}</div>
      <div role="gridcell" className="grid-cell">{moment(item.properties.valid_to)}</div>
    </>
  );
}

/** One row of a table. */
export function Row({ item, span, when, fields, template, index, top, chosen, active, onClick, onDoubleClick }: Shown) {
  const { language } = useWords();
  const zone = useTimeZone();
  return (
    <div role="row" id={rowId(item)} className="grid-row" aria-rowindex={index + 2} aria-selected={chosen} data-active={active}
      data-fid={item.id} style={{ gridTemplateColumns: template, ...(top === undefined ? {} : { transform: `translateY(${top}px)` }) }}
      onClick={onClick} onDoubleClick={onDoubleClick}>
      <div role="rowheader" className="grid-cell grid-number">{index >= 0 ? index + 1 : "•"}</div>
      {span && <SpanCells item={item} span={span} />}
      {fields.map((field) => {
        const value = item.properties[field.name];
        // Of the many rows only the active one has its links in the order of the keyboard.
        if (field.type === "reference" && typeof value === "number") return (
          <div key={field.name} role="gridcell" className="grid-cell">
            <RefTitle layer={field.references!} fid={value} when={when} tabIndex={active || index < 0 ? 0 : -1} />
          </div>
        );
        const text = formatValue(field, value, language, zone);
        return <div key={field.name} role="gridcell" className="grid-cell" data-numeric={NUMERIC.has(field.type)} title={text}>{text}</div>;
      })}
    </div>
  );
}
