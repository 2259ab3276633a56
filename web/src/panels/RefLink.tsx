import { Problem } from "../api/http";
import { boundsOf } from "../format/geometry";
import { labelOf } from "../format/label";
import { useWords } from "../state/preferences";
import { useItem, useLayer } from "../state/queries";
import { useView } from "../state/view";

/** A link to another feature by its label; plain text when the reader may not see its layer. */
export function RefLink({ layer: id, fid }: { layer: string; fid: number }) {
  const { t, language } = useWords();
  const layer = useLayer(id);
  const item = useItem(layer ? { layer: id, fid } : null);
  if (!layer) return <>#{fid}</>;
  const gone = item.error instanceof Problem && item.error.status === 410;
  const go = () => {
    const view = useView.getState();
    view.select([{ layer: id, fid }]);
    const bounds = boundsOf([item.data?.geometry]);
    if (bounds) view.fly({ bounds });
  };
  return (
    <button type="button" className="link-button" onClick={go}>
      {item.data ? labelOf(layer, item.data, language) : `#${fid}${gone ? ` · ${t("feature.gone")}` : ""}`}
    </button>
  );
}
