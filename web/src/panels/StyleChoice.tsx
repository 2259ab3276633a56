import Select from "antd/es/select";
import type { Layer } from "../api/types";
import { pick } from "../format/text";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

const OWN = "default";

/** Choose how a layer is drawn: as it is defined, by one of its code fields, or in a style that somebody has published. */
export function StyleChoice({ layer }: { layer: Layer }) {
  const { t, language } = useWords();
  const styles = useView((view) => view.work.styles);
  if (!layer.styles?.length) return null;
  const chosen = layer.styles.some((style) => style.name === styles[layer.id]) ? styles[layer.id]! : OWN;
  const choose = (name: string) => {
    const { [layer.id]: _, ...others } = styles;
    useView.getState().setWork({ styles: name === OWN ? others : { ...others, [layer.id]: name } });
  };
  const named = (published: boolean) => layer.styles!.filter((style) => /^v\d+$/.test(style.name) === published).map((style) => ({ value: style.name, label: pick(style.title, language) }));
  const groups = [
    { label: t("styles.byField"), options: named(false) },
    { label: t("styles.published"), options: named(true) },
  ].filter((group) => group.options.length > 0);
  return (
    <label className="layer-style"><span>{t("styles.style")}</span>
      <Select aria-label={t("styles.of", { layer: pick(layer.title, language) })} value={chosen} onChange={choose} popupMatchSelectWidth={false}
        options={[{ value: OWN, label: t("styles.own") }, ...groups]} />
    </label>
  );
}
