import Button from "antd/es/button";
import Modal from "antd/es/modal";
import { useState } from "react";
import { type Clash, same, type Side } from "../../format/difference";
import { pick } from "../../format/text";
import { formatValue } from "../../format/value";
import { clashesOf, type Draft, geometryChanged, useDraft } from "../../state/draft";
import { useWords } from "../../state/preferences";
import { useTimeZone } from "../../state/queries";
import { announce } from "../../state/refresh";
import { useView } from "../../state/view";
import { GeometryPictures } from "./GeometryPictures";

function Choice({ name, side, value, text, choose }: {
  name: string; side: Side; value: Side; text: string; choose: (side: Side) => void;
}) {
  const { t } = useWords();
  return (
    <label className="clash-choice" data-chosen={value === side}>
      <input type="radio" name={`clash-${name}`} checked={value === side} onChange={() => choose(side)} aria-label={`${t(`conflict.${side}`)}: ${text}`} />
      {text || <span className="none">{t("common.none")}</span>}
    </label>
  );
}

/** Somebody else has changed the feature: what it was, what they made of it, what I made of it, field by field. */
export function ConflictScreen({ draft, save }: { draft: Draft; save: (draft: Draft) => Promise<void> }) {
  const { t, language } = useWords();
  const zone = useTimeZone();
  const theirs = draft.conflict?.theirs ?? null;
  const [clashes, setClashes] = useState<Clash[]>(() => clashesOf(draft));
  const mineMoved = geometryChanged(draft);
  const theyMoved = theirs !== null && !same(draft.base?.geometry ?? null, theirs.geometry);
  const [geometry, setGeometry] = useState<Side>(mineMoved ? "mine" : "theirs");
  const drop = () => {
    const { layer, fid } = draft;
    useDraft.getState().end();
    announce([layer.id]);
    if (fid !== null) useView.getState().select([{ layer: layer.id, fid }]);
  };
  const retry = () => {
    useDraft.getState().settle(clashes, geometry);
    const settled = useDraft.getState().draft;
    if (settled) void save(settled);
  };
  const put = (name: string, side: Side) => setClashes(clashes.map((clash) => (clash.name === name ? { ...clash, side } : clash)));
  return (
    <Modal open width={760} closable={false} title={t("conflict.title")} className="conflict" footer={[
      <Button key="drop" onClick={drop}>{t("conflict.useTheirs")}</Button>,
      theirs && draft.op !== "retire" && <Button key="retry" type="primary" onClick={retry}>{t("conflict.retry")}</Button>,
    ]}>
      <p>{t(theirs ? "conflict.text" : "conflict.gone")}</p>
      {theirs && (mineMoved || theyMoved) && (
        <GeometryPictures base={draft.base?.geometry ?? null} theirs={theirs.geometry} mine={draft.geometry} />
      )}
      {theirs && (
        <table className="clashes">
          <thead>
            <tr><th>{t("conflict.field")}</th><th>{t("conflict.base")}</th><th>{t("conflict.theirs")}</th><th>{t("conflict.mine")}</th></tr>
          </thead>
          <tbody>
            {clashes.map((clash) => {
              const field = draft.layer.fields.find((candidate) => candidate.name === clash.name)!;
              const textOf = (value: unknown) => formatValue(field, value, language, zone);
              return (
                <tr key={clash.name} data-both={clash.both} data-field={clash.name}>
                  <th scope="row">{pick(field.title, language)}<small>{t(clash.both ? "conflict.both" : "conflict.oneSide")}</small></th>
                  <td>{textOf(clash.base) || <span className="none">{t("common.none")}</span>}</td>
                  <td><Choice name={clash.name} side="theirs" value={clash.side} text={textOf(clash.theirs)} choose={(side) => put(clash.name, side)} /></td>
                  <td><Choice name={clash.name} side="mine" value={clash.side} text={textOf(clash.mine)} choose={(side) => put(clash.name, side)} /></td>
                </tr>
              );
            })}
            {(mineMoved || theyMoved) && (
              <tr data-both={mineMoved && theyMoved}>
                <th scope="row">{t("conflict.geometry")}</th>
                <td />
                <td><Choice name="geometry" side="theirs" value={geometry} text={theyMoved ? t("conflict.geometryTheirs") : t("conflict.unchanged")} choose={setGeometry} /></td>
                <td><Choice name="geometry" side="mine" value={geometry} text={mineMoved ? t("conflict.geometryMine") : t("conflict.unchanged")} choose={setGeometry} /></td>
              </tr>
            )}
          </tbody>
        </table>
      )}
    </Modal>
  );
}
