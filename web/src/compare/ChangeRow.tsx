import { AimOutlined } from "../icons";
import { Fragment } from "react";
import type { Layer, LayerField } from "../api/types";
import { type Difference } from "../api/timeline";
import { changed } from "../format/difference";
import { boundsOf } from "../format/geometry";
import { labelOf } from "../format/label";
import { pick } from "../format/text";
import { formatValue } from "../format/value";
import { RefTitle } from "../panels/RefTitle";
import { useSeen } from "../panels/useSeen";
import { useWords } from "../state/preferences";
import { useTimeZone } from "../state/queries";
import { useView } from "../state/view";

// What a reader can take in at a glance; the file has them all.
const TOLD = 3;

/** What is referred to, as of the day of its side; asked for once its row is in sight. */
function SeenRef({ layer, fid, day }: { layer: string; fid: number; day: string }) {
  const [place, seen] = useSeen<HTMLSpanElement>();
  return <span ref={place}>{seen ? <RefTitle layer={layer} fid={fid} when={{ datetime: day }} asOf /> : fid}</span>;
}

function Value({ field, value, day }: { field: LayerField; value: unknown; day: string }) {
  const { t, language } = useWords();
  const zone = useTimeZone();
  if (field.type === "reference" && typeof value === "number") return <SeenRef layer={field.references!} fid={value} day={day} />;
  return <>{formatValue(field, value, language, zone) || t("common.none")}</>;
}

/** One line of the list of changes: what became of a feature between two days, and what it is called. */
export function ChangeRow({ layer, each, days }: { layer: Layer; each: Difference; days: [string, string] }) {
  const { t, language } = useWords();
  const { before, after } = each;
  const name = labelOf(layer, { id: each.fid, properties: after ?? before ?? {} }, language);
  const names = before && after ? changed(before, after, layer.fields.map((field) => field.name)) : [];
  const told = names.slice(0, TOLD).map((field) => {
    const found = layer.fields.find((candidate) => candidate.name === field)!;
    return <>{pick(found.title, language)} <Value field={found} value={before![field]} day={days[0]} /> → <Value field={found} value={after![field]} day={days[1]} /></>;
  });
  if (each.moved) told.push(<>{t("compare.moved")}</>);
  const zoom = () => {
    const bounds = boundsOf([each.geometry ?? null]);
    if (bounds) useView.getState().fly({ bounds, zoom: 17.5 });
    else if (each.place) useView.getState().fly({ center: each.place, zoom: 17.5 });
  };
  return (
    <tr data-change={each.change}>
      <td><span className="change-kind" data-change={each.change}>{t(`compare.${each.change}`)}</span></td>
      <td><button type="button" className="link-button" aria-label={t("compare.zoom", { name })} onClick={zoom}><AimOutlined /> {name}</button></td>
      <td>{told.length === 0 ? "–" : told.map((part, index) => <Fragment key={index}>{index > 0 && (language === "zh" ? "；" : "; ")}{part}</Fragment>)}</td>
    </tr>
  );
}
