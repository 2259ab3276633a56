import { pick } from "../format/text";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";
import { ThemeLegend } from "./ThemeLegend";
import "../styles/thematic.css";

/** The legend of the thematic maps, on the map; hidden while their page is open. */
export default function ThemeCard() {
  const { t, language } = useWords();
  const layers = useLayers();
  const themes = useView((view) => view.work.themes);
  return (
    <section className="theme-card" aria-label={t("theme.legend")}>
      {Object.entries(themes).map(([id, theme]) => {
        const layer = layers.find((candidate) => candidate.id === id);
        return layer && <div key={id}><h3>{pick(layer.title, language)} · {t(`theme.${theme.kind}`)}</h3><ThemeLegend layer={layer} theme={theme} /></div>;
      })}
    </section>
  );
}
