import type { Item, Layer, LayerField } from "../api/types";
import { labelOf } from "../format/label";
import { pick } from "../format/text";
import { formatValue } from "../format/value";
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

function Children({ layer, field, fid }: { layer: Layer; field: LayerField; fid: number }) {
  const { t, language } = useWords();
  const zone = useTimeZone();
  const children = useChildren(layer, field, fid);
  if (children.isPending) return <Loading rows={2} />;
  if (children.isError) return <Failure error={children.error} retry={() => void children.refetch()} />;
  const { items, count } = children.data;
  // A relation is not worth looking at for itself: what stands at its other end is.
  const otherEnd = layer.kind === "relation" ? layer.fields.find((f) => f.type === "reference" && f.name !== field.name) : undefined;
  if (items.length === 0) return null;
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
          </li>
        ))}
      </ul>
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
        <Children key={`${other.id}.${field.name}`} layer={other} field={field} fid={current.fid} />
      ))}
    </>
  );
}
