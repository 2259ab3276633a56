import { DeleteOutlined, EditOutlined, PlusOutlined } from "../icons";
import { readItem } from "../api/items";
import type { Item, Layer, LayerField, Properties } from "../api/types";
import { today } from "../format/instant";
import { labelOf } from "../format/label";
import { pick } from "../format/text";
import { formatValue } from "../format/value";
import { useDraft } from "../state/draft";
import { useWords } from "../state/preferences";
import { useChildren, useLayers, useTimeZone } from "../state/queries";
import { type Ref, useView } from "../state/view";
import { Empty, Failure, Loading } from "./PanelState";
import { RefLink } from "./RefLink";

/** Beside its label, a related feature is told apart by the first fields that say something short. */
function detailOf(layer: Layer, item: Item, language: "zh" | "en", zone: string): string {
  return layer.fields
    .filter((f) => f.name !== layer.label && f.name !== layer.district && ["code", "date", "number", "integer"].includes(f.type))
    .map((field) => formatValue(field, item.properties[field.name], language, zone))
    .filter(Boolean).slice(0, 2).join(" · ");
}

function Children({ layer, field, fid, parent }: { layer: Layer; field: LayerField; fid: number; parent: Item | undefined }) {
  const { t, language } = useWords();
  const zone = useTimeZone();
  const children = useChildren(layer, field, fid);
  const here = useView((view) => view.time.day === null && view.time.knownAt === null);
  if (children.isPending) return <Loading rows={2} />;
  if (children.isError) return <Failure error={children.error} retry={() => void children.refetch()} />;
  const { items, count } = children.data;
  // A relation is not worth looking at for itself: what stands at its other end is.
  const otherEnd = layer.kind === "relation" ? layer.fields.find((f) => f.type === "reference" && f.name !== field.name) : undefined;
  const addable = layer.edit && here && layer.kind !== "spatial";
  if (items.length === 0 && !addable) return null;
  const begin = (op: "create" | "edit" | "retire", item?: Item) => {
    const then = useView.getState().selection;
    if (op !== "create") return void readItem(layer.id, item!.id).then((whole) => useDraft.getState().begin(op, layer, today(), whole, { then }));
    const values: Properties = { [field.name]: fid };
    // A part lies where the whole lies.
    if (layer.district && parent?.properties[layer.district]) values[layer.district] = parent.properties[layer.district];
    return useDraft.getState().begin("create", layer, today(), undefined, { values, then });
  };
  const openAll = () => {
    const view = useView.getState();
    view.setFilter(layer.id, [{ field: field.name, op: "=", value: fid }]);
    view.setInView(false);
    view.openTable(layer.id);
  };
  return (
    <section className="related">
      <h3>{pick(layer.title, language)} <small>{pick((otherEnd ?? field).title, language)}</small><span>{count}</span></h3>
      <ul>
        {items.map((item) => (
          <li key={item.id}>
            {otherEnd && typeof item.properties[otherEnd.name] === "number" ? (
              <RefLink layer={otherEnd.references!} fid={item.properties[otherEnd.name] as number} />
            ) : (
              <button type="button" className="link-button"
                onClick={() => useView.getState().select([{ layer: layer.id, fid: item.id }])}>{labelOf(layer, item, language)}</button>
            )}
            <small>{detailOf(layer, item, language, zone)}</small>
            {addable && (
              <span className="row-actions">
                <button type="button" className="quiet" aria-label={`${t("edit.editRow")} ${labelOf(layer, item, language)}`} title={t("edit.editRow")}
                  onClick={() => begin("edit", item)}><EditOutlined /></button>
                <button type="button" className="quiet" aria-label={`${t("edit.retireRow")} ${labelOf(layer, item, language)}`} title={t("edit.retireRow")}
                  onClick={() => begin("retire", item)}><DeleteOutlined /></button>
              </span>
            )}
          </li>
        ))}
      </ul>
      {addable && (
        <button type="button" className="link-button add-row" onClick={() => begin("create")}>
          <PlusOutlined /> {t("edit.newRow", { layer: pick(layer.title, language) })}
        </button>
      )}
      {count > items.length && (
        <button type="button" className="link-button more" onClick={openAll}>{t("feature.relatedMore", { count })}</button>
      )}
    </section>
  );
}

/** What a feature refers to, and what refers to it. */
export function Related({ layer, current, item }: { layer: Layer; current: Ref; item: Item | undefined }) {
  const { t, language } = useWords();
  const layers = useLayers();
  const parents = layer.fields.filter((field) => field.type === "reference" && typeof item?.properties[field.name] === "number");
  const children = layers.flatMap((other) => other.fields
    .filter((field) => field.references === layer.id)
    .map((field) => ({ other, field })));
  if (parents.length === 0 && children.length === 0) return <Empty title={t("feature.noRelated")} />;
  return (
    <>
      {parents.length > 0 && (
        <dl className="fields">
          {parents.map((field) => (
            <div key={field.name}>
              <dt>{pick(field.title, language)}</dt>
              <dd><RefLink layer={field.references!} fid={item!.properties[field.name] as number} /></dd>
            </div>
          ))}
        </dl>
      )}
      {children.map(({ other, field }) => (
        <Children key={`${other.id}.${field.name}`} layer={other} field={field} fid={current.fid} parent={item} />
      ))}
    </>
  );
}
