import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type MouseEvent, useEffect, useMemo, useRef, useState } from "react";
import type { Item, Layer, LayerField } from "../../api/types";
import { boundsOf } from "../../format/geometry";
import { toMs } from "../../format/instant";
import { readByIds } from "../../api/items";
import { useWords } from "../../state/preferences";
import { useCount, useItem, usePages, useQuestion, useWhen } from "../../state/queries";
import { sameRef, useView } from "../../state/view";
import { Empty, Failure, Loading } from "../PanelState";
import { HeaderCell } from "./HeaderCell";
import { Row, rowId } from "./Row";
import { useInView } from "./useInView";
import { widthOf } from "./width";

const ROW_PX = 28;
// The head stays in place while rows go under it.
const HEAD_PX = 28;

/** The rows of a table: only those in sight are there, and pages come as one scrolls. */
export function Grid({ layer, fields }: { layer: Layer; fields: LayerField[] }) {
  const { t } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const anchor = useRef<number | null>(null);
  const bounds = useView((view) => view.bounds);
  const inView = useInView(layer);
  const when = useWhen();
  const names = useMemo(() => fields.map((field) => field.name), [fields]);
  const question = useQuestion(layer, inView ? bounds : null, names);
  const shownFor = { datetime: question?.datetime, knownAt: question?.knownAt };
  const pages = usePages(question);
  const count = useCount(question);
  const items = useMemo(() => pages.data?.pages.flatMap((page) => page.features) ?? [], [pages.data]);
  const selection = useView((view) => view.selection);
  const focus = useView((view) => view.selection[view.focus]);
  const chosen = useMemo(() => new Set(selection.filter((ref) => ref.layer === layer.id).map((ref) => ref.fid)), [selection, layer.id]);
  const [active, setActive] = useState(0);
  const { day, until } = useView((view) => view.time);
  const span = useMemo(() => (day && until ? { from: toMs(day), until: toMs(until) } : null), [day, until]);
  const template = `36px ${span ? "108px 108px 108px " : ""}${fields.map((field) => `${widthOf(field)}px`).join(" ")}`;
  const rows = useVirtualizer({ count: items.length, getScrollElement: () => frame.current, estimateSize: () => ROW_PX, overscan: 12, scrollMargin: HEAD_PX, scrollPaddingStart: HEAD_PX });
  const last = rows.getVirtualItems().at(-1)?.index ?? 0;

  useEffect(() => {
    if (last >= items.length - 20 && pages.hasNextPage && !pages.isFetching) void pages.fetchNextPage();
  }, [last, items.length, pages]);

  // What is chosen on the map comes into sight here.
  const shownFocus = focus && focus.layer === layer.id ? items.findIndex((item) => item.id === focus.fid) : -1;
  const pinned = useItem(focus?.layer === layer.id && shownFocus < 0 && pages.isSuccess ? focus : null);
  useEffect(() => {
    if (shownFocus < 0) return;
    setActive(shownFocus);
    rows.scrollToIndex(shownFocus, { align: "auto" });
  }, [shownFocus, focus?.fid]);

  const choose = (item: Item, index: number, event: { ctrlKey: boolean; metaKey: boolean; shiftKey: boolean }) => {
    const view = useView.getState();
    const ref = { layer: layer.id, fid: item.id };
    if (event.shiftKey && anchor.current !== null) {
      const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
      view.select(items.slice(from, to + 1).map((other) => ({ layer: layer.id, fid: other.id })), index - from);
    } else if (event.ctrlKey || event.metaKey) view.toggle(ref);
    else view.select(selection.length === 1 && sameRef(selection[0]!, ref) ? [] : [ref]);
    if (!event.shiftKey) anchor.current = index;
    setActive(index);
  };
  const zoomTo = async (item: Item) => {
    useView.getState().select([{ layer: layer.id, fid: item.id }]);
    if (layer.kind !== "spatial") return;
    const [whole] = await readByIds(layer.id, [item.id], when);
    const box = boundsOf([whole?.geometry]);
    if (box) useView.getState().fly({ bounds: box });
  };
  const press = (event: KeyboardEvent) => {
    // What is typed into a head or its filter is not meant for the rows, nor is the key that follows a link of a row.
    const inside = event.target !== frame.current;
    if (inside && (!(event.target as Element).closest(".grid-row") || event.key === " " || event.key === "Enter")) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    const item = items[active];
    if (step) {
      event.preventDefault();
      // A row that scrolls out takes its link along; the grid keeps the keyboard.
      if (inside) frame.current?.focus({ preventScroll: true });
      const next = Math.max(0, Math.min(items.length - 1, active + step));
      setActive(next);
      rows.scrollToIndex(next);
    } else if (event.key === " " && item) {
      event.preventDefault();
      choose(item, active, { ctrlKey: true, metaKey: false, shiftKey: event.shiftKey });
    } else if (event.key === "Enter" && item) void zoomTo(item);
  };

  if (pages.isError && items.length === 0) return <Failure error={pages.error} retry={() => void pages.refetch()} />;
  return (
    <div ref={frame} className="grid" role="grid" tabIndex={0} aria-rowcount={count.data ?? -1} aria-colcount={fields.length + (span ? 4 : 1)}
      aria-multiselectable="true" aria-busy={pages.isFetching} aria-activedescendant={items[active] ? rowId(items[active]) : undefined}
      onKeyDown={press}>
      <div className="grid-head" role="row" style={{ gridTemplateColumns: template }}>
        <div role="columnheader" className="grid-cell grid-number">#</div>
        {span && (["table.spanChange", "table.spanFrom", "table.spanTo"] as const).map((name) => (
          <div key={name} role="columnheader" className="grid-cell grid-title"><span>{t(name)}</span></div>
        ))}
        {fields.map((field) => <HeaderCell key={field.name} layer={layer} field={field} />)}
        {pages.isFetching && <div className="grid-busy" aria-hidden="true" />}
      </div>
      {pinned.data && (
        <div className="grid-pinned"><Row item={pinned.data} span={span} when={shownFor} fields={fields} template={template} index={-1} chosen active={false} /></div>
      )}
      {pages.isPending ? <Loading rows={7} />
        : items.length === 0 ? <Empty title={t("table.empty")} hint={t("table.emptyHint")} />
          : (
            <div className="grid-body" role="presentation" style={{ height: rows.getTotalSize() }}>
              {rows.getVirtualItems().map(({ index, start }) => {
                const item = items[index]!;
                return (
                  <Row key={`${item.id}.${String(item.properties.version)}`} item={item} span={span} when={shownFor} fields={fields} template={template} index={index} top={start - HEAD_PX} chosen={chosen.has(item.id)}
                    active={index === active} onClick={(event: MouseEvent) => choose(item, index, event)} onDoubleClick={() => void zoomTo(item)} />
                );
              })}
            </div>
          )}
    </div>
  );
}
