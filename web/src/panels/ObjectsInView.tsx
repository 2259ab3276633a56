import { useQuery } from "@tanstack/react-query";
import { readPage } from "../api/items";
import type { Layer } from "../api/types";
import { toCql2 } from "../format/condition";
import { labelOf } from "../format/label";
import { pick } from "../format/text";
import { shownByDefault, topDown } from "../state/layers";
import { useWords } from "../state/preferences";
import { useLayers, useWhen } from "../state/queries";
import { useView } from "../state/view";
import { Empty, Failure } from "./PanelState";

const MOST = 15;

function Objects({ layer }: { layer: Layer }) {
  const { t, language } = useWords();
  const when = useWhen();
  const bounds = useView((view) => view.bounds);
  const conditions = useView((view) => view.filters[layer.id]);
  const filter = toCql2(conditions ?? [], layer.fields);
  const read = useQuery({
    queryKey: ["objects", layer.id, bounds, when, filter],
    queryFn: ({ signal }) => readPage({ layer: layer.id, ...when, bbox: bounds, filter }, { limit: MOST }, signal),
    enabled: bounds !== null,
    placeholderData: (before) => before,
  });
  if (read.isError) return <Failure error={read.error} retry={() => void read.refetch()} />;
  if (!read.data || read.data.features.length === 0) return null;
  return (
    <li>
      <h4>{pick(layer.title, language)}</h4>
      <ul>
        {read.data.features.map((item) => (
          <li key={item.id}>
            <button type="button" className="link-button" onClick={() => useView.getState().select([{ layer: layer.id, fid: item.id }])}>{labelOf(layer, item, language)}</button>
          </li>
        ))}
        {read.data.next && (
          <li><button type="button" className="link-button" onClick={() => { useView.getState().setInView(true); useView.getState().openTable(layer.id); }}>{t("objects.more")}</button></li>
        )}
      </ul>
    </li>
  );
}

/** What the map shows, as a list: for who cannot see or point at it. */
export default function ObjectsInView() {
  const { t } = useWords();
  const layers = useLayers();
  const order = useView((view) => view.work.order);
  const shown = useView((view) => view.layers.shown);
  const zoom = useView((view) => view.camera?.zoom ?? 0);
  const seen = topDown(layers, order).filter((layer) => (shown[layer.id] ?? shownByDefault(layer)) && zoom >= (layer.symbology?.min_zoom ?? 0));
  if (seen.length === 0) return <Empty title={t("stats.nothing")} hint={t("stats.nothingHint")} />;
  return <ul className="objects" aria-label={t("objects.title")}>{seen.map((layer) => <Objects key={layer.id} layer={layer} />)}</ul>;
}
