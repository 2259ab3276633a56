import { RollbackOutlined } from "../icons";
import Button from "antd/es/button";
import Switch from "antd/es/switch";
import { useEffect, useMemo, useState } from "react";
import type { Layer, Version } from "../api/types";
import { changed, same } from "../format/difference";
import { origin, predecessor } from "../format/versions";
import { boundsOf } from "../format/geometry";
import { dayOf, formatMoment, formatStamp, toMs } from "../format/instant";
import { pick } from "../format/text";
import { formatValue } from "../format/value";
import { useChanged } from "../state/changed";
import { useWords } from "../state/preferences";
import { useTimeZone, useVersions } from "../state/queries";
import { useSession } from "../state/session";
import { type Ref, useView } from "../state/view";
import { LineageGraph } from "./LineageGraph";
import { Empty, Failure, Loading } from "./PanelState";
import { TimeChart } from "./TimeChart";
import { askUndo } from "./undo";

function Author({ version }: { version: Version }) {
  const { t } = useWords();
  const zone = useTimeZone();
  const time = formatStamp(version.recorded_at, zone);
  return (
    <p className="version-by">
      {t("history.changeset", { seq: version.seq_from })}
      {` · ${version.actor ? t("history.by", { actor: version.actor, time }) : time}`}
      {version.reason && <q>{version.reason}</q>}
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

/** Lets the map show a version beside the one before it: what it was in the colour of what ends, what it became in that of what begins. */
function OnMap({ version, before }: { version: Version; before: Version | undefined }) {
  const { t } = useWords();
  const isOn = useChanged((changed) => changed.shownVersion === version.version_id);
  const sides = [before && { ...before, change: "ended" as const }, { ...version, change: "built" as const }].filter((each) => each !== undefined);
  const bounds = boundsOf(sides.map((each) => each.geometry));
  if (!before || !bounds) return null;
  const toggle = () => {
    useChanged.setState(isOn ? { shownVersion: null, listed: [] } : {
      shownVersion: version.version_id,
      listed: sides.map(({ fid, change, geometry }) => ({ fid, change, geometry, before: null, after: null, place: null })),
    });
    if (!isOn) useView.getState().fly({ bounds });
  };
  return (
    <>
      <button type="button" className="link-button" aria-pressed={isOn} onClick={toggle}>{t(isOn ? "history.onMapOff" : "history.onMap")}</button>
      {isOn && <span className="version-key"><i data-change="ended" />{t("history.before")}<i data-change="built" />{t("history.after")}</span>}
    </>
  );
}

function Entry({ layer, version, all, current }: { layer: Layer; version: Version; all: Version[]; current: boolean }) {
  const { t } = useWords();
  const zone = useTimeZone();
  const mayUndo = useSession((session) => session.account?.capabilities.includes("undo") ?? false);
  const day = useView((view) => view.time.day);
  const superseded = version.seq_to !== null;
  const names = layer.fields.map((field) => field.name);
  const first = origin(version, all, names);
  const before = predecessor(first, all);
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
      <Author version={first} />
      <div className="version-actions">
        {start && start !== day && (
          <button type="button" className="link-button" onClick={() => useView.getState().setDay(start)}>{t("history.see")}</button>
        )}
        <OnMap version={version} before={before} />
        {mayUndo && !superseded && (
          <Button type="text" icon={<RollbackOutlined />} onClick={() => askUndo(first.seq_from)}>{t("history.undo")}</Button>
        )}
      </div>
    </li>
  );
}

/** All that was ever recorded about a feature, on both axes of time. */
export default function VersionList({ layer, current }: { layer: Layer; current: Ref }) {
  const { t } = useWords();
  const versions = useVersions(current);
  const [all, setAll] = useState(false);
  useEffect(() => () => {
    if (useChanged.getState().shownVersion !== null) useChanged.setState({ shownVersion: null, listed: [] });
  }, []);
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
      <LineageGraph current={current} />
      {hidden && (
        <label className="version-switch"><Switch checked={all} onChange={setAll} aria-label={t("history.all")} />{t("history.all")}</label>
      )}
      <ol className="versions">
        {sorted.filter((version) => all || version.seq_to === null).map((version) => (
          <Entry key={version.version_id} layer={layer} version={version} all={sorted} current={isCurrent(version)} />
        ))}
      </ol>
    </>
  );
}
