import { CloseOutlined } from "../icons";
import Select from "antd/es/select";
import { pick } from "../format/text";
import { shownByDefault } from "../state/layers";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";

/** Layers that keep a day of their own while the others follow the time bar. */
export function Pins({ day }: { day: string }) {
  const { t, language } = useWords();
  const layers = useLayers();
  const pinned = useView((view) => view.time.pinned);
  const shown = useView((view) => view.layers.shown);
  const { pin } = useView.getState();
  const free = layers.filter((layer) => layer.kind === "spatial" && !pinned[layer.id] && (shown[layer.id] ?? shownByDefault(layer)));
  return (
    <div className="time-pins" role="group" aria-label={t("play.pin")}>
      <Select size="small" aria-label={t("play.pin")} value={null} placeholder={t("play.pin")} popupMatchSelectWidth={false} showSearch optionFilterProp="label"
        options={free.map((layer) => ({ value: layer.id, label: pick(layer.title, language) }))} onChange={(layer) => { if (layer) pin(layer, day); }} />
      {Object.entries(pinned).map(([id, own]) => {
        const title = pick(layers.find((layer) => layer.id === id)?.title, language) || id;
        return (
          <span key={id} className="time-pin">
            {t("play.pinned", { layer: title, date: own })}
            <button type="button" className="quiet" aria-label={t("play.unpin", { layer: title })} onClick={() => pin(id, null)}><CloseOutlined /></button>
          </span>
        );
      })}
      <small>{t("play.pinHint", { date: day })}</small>
    </div>
  );
}
