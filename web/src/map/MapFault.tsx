import { saidOf } from "../state/outside";
import { useWords } from "../state/preferences";

/** Why there is no map, or none of the city: the browser cannot draw one, or the style of the layers did not come. */
export function MapFault({ blank, style: { data, error, isFetching, refetch } }: {
  blank: boolean; style: { data: unknown; error: unknown; isFetching: boolean; refetch: () => unknown };
}) {
  const { t } = useWords();
  if (blank) return <p className="map-failed" role="alert">{t("map.blank")}</p>;
  if (!error || data) return null;
  return (
    <div className="map-failed" role="alert">
      <p>{t("map.noStyle")} {saidOf(error)}</p>
      <button type="button" className="plain-button" disabled={isFetching} onClick={() => void refetch()}>{t("common.retry")}</button>
    </div>
  );
}
