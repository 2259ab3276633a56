import { pick } from "../format/text";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useScene } from "./state";

const MOST = 10_000;

/** What filters do in the scene: how many features pass, as the server counts them. */
export function FilterNotes() {
  const { t, language } = useWords();
  const filtered = useScene((scene) => scene.filtered);
  const layers = useLayers();
  if (filtered.size === 0) return null;
  return (
    <ul className="scene-filters" role="status" aria-label={t("sceneFilter.title")}>
      {[...filtered].map(([id, { count, cut, failed }]) => {
        const layer = pick(layers.find((each) => each.id === id)?.title, language) || id;
        const key = failed ? "failed" : count === null ? "wait" : cut ? "cut" : "count";
        return <li key={id} data-layer={id} data-count={count ?? ""}>{t(`sceneFilter.${key}`, { layer, count: count ?? 0, most: MOST })}</li>;
      })}
    </ul>
  );
}
