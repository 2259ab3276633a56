import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { readStatistics, type Where } from "../api/statistics";
import type { Layer } from "../api/types";
import { toCql2 } from "../format/condition";
import { pick, type Language } from "../format/text";
import { formatNumber } from "../format/value";
import { Empty, Failure, Loading } from "../panels/PanelState";
import { Swatch } from "../panels/Swatch";
import { useWords } from "../state/preferences";
import { useCity } from "../state/queries";
import { useLive } from "../state/refresh";
import { useView } from "../state/view";

function areaText(areaM2: number, language: Language): string {
  return areaM2 >= 1e6 ? `${formatNumber(areaM2 / 1e6, language, 3)} km²` : `${formatNumber(areaM2, language, 0)} m²`;
}

function lengthText(lengthM: number, language: Language): string {
  return lengthM >= 1000 ? `${formatNumber(lengthM / 1000, language, 2)} km` : `${formatNumber(lengthM, language, 1)} m`;
}

/** How much of each shown layer is in the place: one question for all of them. */
export function Overview({ layers, where }: { layers: Layer[]; where: Where | null }) {
  const { t, language } = useWords();
  const city = useCity();
  const filters = useView((view) => view.filters);
  const touched = useLive((live) => live.touched);
  const asked = layers.map((layer) => {
    const filter = toCql2(filters[layer.id] ?? [], layer.fields);
    return { layer: layer.id, ...(filter ? { filter } : {}) };
  });
  const found = useQuery({
    queryKey: ["statistics", "", where, asked],
    queryFn: ({ signal }) => readStatistics(where!, asked, true, signal),
    enabled: where !== null && asked.length > 0,
    placeholderData: (before) => before,
  });
  useEffect(() => {
    if (asked.some(({ layer }) => touched.includes(layer))) void found.refetch();
  }, [touched]);
  if (where === null) return <p className="place-hint">{t("place.drawFirst")}</p>;
  if (asked.length === 0) return <Empty title={t("stats.nothing")} hint={t("stats.nothingHint")} />;
  if (found.isError) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading rows={5} />;
  const rows = found.data.layers.filter((each) => each.features > 0).sort((a, b) => b.count - a.count);
  return (
    <section className="overview" aria-busy={found.isFetching}>
      {rows.length === 0 ? <Empty title={t("stats.nothing")} hint={t("stats.nothingHint")} /> : (
        <table>
          <thead><tr><th scope="col">{t("work.layer")}</th><th scope="col">{t("stats.count")}</th><th scope="col">{t("stats.area")} / {t("stats.length")}</th></tr></thead>
          <tbody>
            {rows.map((each) => {
              const layer = layers.find((candidate) => candidate.id === each.layer);
              return layer && (
                <tr key={each.layer} data-layer={each.layer}>
                  <th scope="row"><Swatch layer={layer} />{pick(layer.title, language)}</th>
                  <td>{formatNumber(each.count, language, 1)}</td>
                  <td>{each.area_m2 !== undefined ? areaText(each.area_m2, language) : each.length_m !== undefined ? lengthText(each.length_m, language) : "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      <p className="card-note">
        {where.area || where.features || where.bbox ? `${pick(found.data.rule_means, language)}${language === "zh" ? "。" : ". "}` : ""}
        {found.data.area_m2 !== undefined && where.bbox === undefined ? `${t("place.areaOf", { area: areaText(found.data.area_m2, language) })}${language === "zh" ? "；" : "; "}` : ""}
        {t("stats.measured", { srid: `EPSG:${city?.projected_srid ?? ""}` })}
      </p>
    </section>
  );
}
