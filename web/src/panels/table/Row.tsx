import type { MouseEvent } from "react";
import type { Item, LayerField } from "../../api/types";
import { formatValue } from "../../format/value";
import { useWords } from "../../state/preferences";
import { useTimeZone } from "../../state/queries";

interface Shown {
  item: Item;
  fields: LayerField[];
  template: string;
  index: number;
  top?: number;
  chosen: boolean;
  active: boolean;
  onClick?: (event: MouseEvent) => void;
  onDoubleClick?: () => void;
}

const NUMERIC = new Set(["integer", "number", "reference"]);

export function Row({ item, fields, template, index, top, chosen, active, onClick, onDoubleClick }: Shown) {
  const { language } = useWords();
  const zone = useTimeZone();
  return (
    <div role="row" id={`row-${item.id}`} className="grid-row" aria-rowindex={index + 2} aria-selected={chosen} data-active={active}
      data-fid={item.id} style={{ gridTemplateColumns: template, ...(top === undefined ? {} : { transform: `translateY(${top}px)` }) }}
      onClick={onClick} onDoubleClick={onDoubleClick}>
      <div role="rowheader" className="grid-cell grid-number">{index >= 0 ? index + 1 : "•"}</div>
      {fields.map((field) => {
        const text = formatValue(field, item.properties[field.name], language, zone);
        return <div key={field.name} role="gridcell" className="grid-cell" data-numeric={NUMERIC.has(field.type)} title={text}>{text}</div>;
      })}
    </div>
  );
}
