import { RollbackOutlined } from "../icons";
import Button from "antd/es/button";
import Switch from "antd/es/switch";
import { useMemo, useState } from "react";
import type { Layer, Version } from "../api/types";
import { changed, same } from "../format/difference";
import { dayOf, formatMoment, formatStamp, toMs } from "../format/instant";
import { pick } from "../format/text";
import { formatValue } from "../format/value";
import { useWords } from "../state/preferences";
import { useChangeset, useTimeZone, useVersions } from "../state/queries";
import { useSession } from "../state/session";
import { type Ref, useView } from "../state/view";
import { Empty, Failure, Loading } from "./PanelState";
import { TimeChart } from "./TimeChart";
import { askUndo } from "./undo";

function Author({ seq }: { seq: number }) {
  const { t } = useWords();
  const zone = useTimeZone();
  const changeset = useChangeset(seq);
  const info = changeset.data;
  return (
    <p className="version-by">
      <span>{t("history.changeset", { seq })}</span>
      {info?.actor && ` · ${t("history.by", { actor: info.actor, time: formatStamp(info.recorded_at, zone) })}`}
      {info && !info.actor && ` · ${formatStamp(info.recorded_at, zone)}`}
      {info?.reason && <q>{info.reason}</q>}
    </p>
  );
}

function Differences({ layer, version, before }: { layer: Layer; version: Version; before: Version | undefined }) {
  const { t, language } = useWords();
  const zone = useTimeZone();
  if (!before) return <p className="version-note">{t("history.created")}</p>;
  const names = changed(before.properties, version.properties, layer.fields.map((field) => field.name));
  const moved = !same(before.geometry, version.geometry);
  return (
    <ul className="version-changes">
      {names.map((name) => {
        const field = layer.fields.find((candidate) => candidate.name === name)!;
        return (
          <li key={name}>
            <span>{pick(field.title, language)}</span>
            <del>{formatValue(field, before.properties[name], language, zone) || t("common.none")}</del>
            <ins>{formatValue(field, version.properties[name], language, zone) || t("common.none")}</ins>
          </li>
        );
      })}
      {moved && <li><em>{t("history.moved")}</em></li>}
      {names.length === 0 && !moved && <li className="none">{t("history.same")}</li>}
    </ul>
  );
}

function Entry({ layer, version, before, current }: { layer: Layer; version: Version; before: Version | undefined; current: boolean }) {
  const { t } = useWords();
  const zone = useTimeZone();
  const mayUndo = useSession((session) => session.account?.capabilities.includes("undo") ?? false);
  const day = useView((view) => view.time.day);
  const superseded = version.seq_to !== null;
  const from = formatMoment(version.valid_from, zone);
  const to = formatMoment(version.valid_to, zone);
  const start = version.valid_from ? dayOf(version.valid_from) : null;
  return (
    <li className="version" data-superseded={superseded} data-current={current}>
      <h3>
        {from ? t("feature.since", { from }) : t("feature.always")}{to && ` ${t("feature.until", { to })}`}
        {current && <span className="tag">{t("history.current")}</span>}
        {superseded && <span className="tag muted">{t("history.superseded")}</span>}
      </h3>
      <Differences layer={layer} version={version} before={before} />
      <Author seq={version.seq_from} />
      <div className="version-actions">
        {start && start !== day && (
          <button type="button" className="link-button" onClick={() => useView.getState().setDay(start)}>{t("history.see")}</button>
        )}
        {mayUndo && !superseded && (
          <Button type="text" icon={<RollbackOutlined />} onClick={() => askUndo(version.seq_from)}>{t("history.undo")}</Button>
        )}
      </div>
    </li>
  );
}

/** Which version does a version stand beside? For a correction what it corrected, else what was so before it. */
function predecessor(version: Version, all: Version[]): Version | undefined {
  const startOf = (v: Version) => v.valid_from ?? "";
  const corrected = all.filter((v) => v.seq_to === version.seq_from && startOf(v) <= startOf(version)
    && (v.valid_to === null || version.valid_from === null || v.valid_to > version.valid_from));
  const earlier = all.filter((v) => v.valid_to !== null && v.valid_to === version.valid_from
    && v.seq_from <= version.seq_from && (v.seq_to === null || v.seq_to > version.seq_from));
  return earlier[0] ?? corrected.sort((a, b) => (startOf(a) < startOf(b) ? 1 : -1))[0];
}

/** All that was ever recorded about a feature, on both axes of time. */
export default function VersionList({ layer, current }: { layer: Layer; current: Ref }) {
  const { t } = useWords();
  const versions = useVersions(current);
  const [all, setAll] = useState(false);
  const sorted = useMemo(() => [...(versions.data ?? [])].sort((a, b) =>
    (b.valid_from ?? "").localeCompare(a.valid_from ?? "") || b.seq_from - a.seq_from), [versions.data]);
  if (versions.isPending) return <Loading rows={6} />;
  if (versions.isError) return <Failure error={versions.error} retry={() => void versions.refetch()} />;
  if (sorted.length === 0) return <Empty title={t("history.empty")} />;
  const now = Date.now();
  const hidden = sorted.some((version) => version.seq_to !== null);
  const isCurrent = (v: Version) => v.seq_to === null
    && (v.valid_from === null || toMs(v.valid_from) <= now) && (v.valid_to === null || toMs(v.valid_to) > now);
  return (
    <>
      <TimeChart versions={sorted} />
      {hidden && (
        <label className="version-switch"><Switch checked={all} onChange={setAll} aria-label={t("history.all")} />{t("history.all")}</label>
      )}
      <ol className="versions">
        {sorted.filter((version) => all || version.seq_to === null).map((version) => (
          <Entry key={version.version_id} layer={layer} version={version} before={predecessor(version, sorted)} current={isCurrent(version)} />
        ))}
      </ol>
    </>
  );
}
