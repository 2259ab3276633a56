import { CloseOutlined, DownloadOutlined, ReloadOutlined } from "../icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Dropdown from "antd/es/dropdown";
import Select from "antd/es/select";
import { useEffect, useState } from "react";
import { saveFile } from "../api/export";
import { type ChangeKind, readChangeFile, readChangeList } from "../api/timeline";
import { today } from "../format/instant";
import { pick } from "../format/text";
import { formatNumber } from "../format/value";
import { Empty, Failure, Loading, useErrorText } from "../panels/PanelState";
import { useChanged } from "../state/changed";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useSession } from "../state/session";
import type { Compare } from "../state/sides";
import { useView } from "../state/view";
import { ChangeRow } from "./ChangeRow";

const LISTED = 1000;
const KINDS = ["built", "ended", "changed"] as const;

/** Take the list away as a file: exactly the kinds, layer and box that are listed, all of them. */
function Take({ path, name }: { path: Parameters<typeof readChangeFile>[0]; name: string }) {
  const { t, language } = useWords();
  const textOf = useErrorText();
  const take = async (format: "csv" | "geojson") => {
    try {
      const { file, count } = await readChangeFile(path, format, language);
      saveFile(file, `${name}.${format}`);
      useNotices.getState().tell({ kind: "done", text: t("table.exported", { count: formatNumber(count, language) }) });
    } catch (error) {
      useNotices.getState().tell({ kind: "fault", text: textOf(error) });
    }
  };
  return (
    <Dropdown trigger={["click"]} menu={{ items: (["csv", "geojson"] as const).map((format) => (
      { key: format, label: t(format === "csv" ? "table.exportCsv" : "table.exportGeojson"), onClick: () => void take(format) })) }}>
      <button type="button" className="quiet" aria-label={t("table.export")} title={t("table.export")}><DownloadOutlined /></button>
    </Dropdown>
  );
}

/** What was built, demolished and changed between the days of the first two sides, as the server tells it; the maps mark it. */
export function ChangeList({ compare }: { compare: Compare }) {
  const { t, language } = useWords();
  const layers = useLayers().filter((layer) => layer.kind === "spatial");
  const chosen = useChanged((state) => state.layer);
  const layer = layers.find((each) => each.id === chosen) ?? layers.find((each) => each.id === "building") ?? layers[0];
  const days = [useView((view) => view.time.day) ?? today(), compare.sides[0]!.day ?? today()].sort() as [string, string];
  const [box, setBox] = useState(useView.getState().bounds);
  const [kinds, setKinds] = useState<ChangeKind[]>([...KINDS]);
  const mayExport = useSession((session) => session.account?.capabilities.includes("export") ?? false);
  const isSame = days[0] === days[1];
  const asked = { layer: layer?.id ?? "", from: days[0], to: days[1], box: box!, limit: LISTED, ...(kinds.length < KINDS.length ? { change: kinds.join(",") } : {}) };
  const turn = (kind: ChangeKind) => setKinds((now) => {
    const next = now.includes(kind) ? now.filter((each) => each !== kind) : KINDS.filter((each) => each === kind || now.includes(each));
    // Nothing at all is no wish: the last one that is switched off brings all back.
    return next.length > 0 ? next : [...KINDS];
  });
  const list = useQuery({
    queryKey: ["changelist", layer?.id, asked], queryFn: ({ signal }) => readChangeList(asked, signal),
    enabled: Boolean(layer) && box !== null && !isSame, placeholderData: keepPreviousData,
  });
  useEffect(() => {
    useChanged.setState({ listed: isSame ? [] : list.data?.differences ?? [] });
  }, [list.data, isSame]);
  const { counts, differences = [], complete } = list.data ?? {};
  return (
    <aside className="panel changes" data-covers="right" aria-label={t("compare.changes")}>
      <header className="panel-head">
        <h2>{t("compare.changes")}</h2>
        {mayExport && !isSame && list.data && (
          <Take path={asked} name={`${asked.layer}-${days.join("-")}`} />
        )}
        <button type="button" className="quiet" aria-label={t("compare.refresh")} title={t("compare.refresh")} onClick={() => setBox(useView.getState().bounds)}><ReloadOutlined /></button>
        <button type="button" className="quiet" aria-label={t("common.close")} onClick={() => useChanged.setState({ open: false, listed: [] })}><CloseOutlined /></button>
      </header>
      <div className="changes-head">
        <Select size="small" aria-label={t("compare.layer")} value={layer?.id} onChange={(id) => useChanged.setState({ layer: id })} popupMatchSelectWidth={false} showSearch
          optionFilterProp="label" options={layers.map((each) => ({ value: each.id, label: pick(each.title, language) }))} />
        <span>{days[0]} → {days[1]}</span>
        {counts && !isSame && (
          <p className="changes-counts" role="status">
            {KINDS.map((kind) => (
              <button key={kind} type="button" className="change-kind" data-change={kind} aria-pressed={kinds.includes(kind)} title={t("compare.onlyKinds")}
                onClick={() => turn(kind)}>{t(`compare.${kind}`)} <b>{counts[kind]}</b></button>
            ))}
          </p>
        )}
      </div>
      <div className="panel-body" tabIndex={0} role="group" aria-label={t("compare.changes")}>
        {isSame ? <Empty title={t("compare.none")} hint={t("compare.sameDay")} />
          : list.isPending ? <Loading rows={6} />
            : list.isError ? <Failure error={list.error} retry={() => void list.refetch()} />
              : differences.length === 0 ? <Empty title={t("compare.none")} hint={t("compare.noneHint")} /> : (
                <table className="changes-table" aria-busy={list.isFetching}>
                  <thead><tr><th scope="col">{t("compare.kind")}</th><th scope="col">{t("compare.name")}</th><th scope="col">{t("compare.what")}</th></tr></thead>
                  <tbody>{differences.map((each) => <ChangeRow key={`${each.change}.${each.fid}`} layer={layer!} each={each} days={days} />)}</tbody>
                </table>
              )}
        {complete === false && !isSame && <p className="changes-more">{t("compare.more", { count: LISTED })}</p>}
      </div>
    </aside>
  );
}
