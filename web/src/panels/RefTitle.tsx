import type { MouseEvent, SyntheticEvent } from "react";
import { boundsOf } from "../format/geometry";
import { today } from "../format/instant";
import { labelOf } from "../format/label";
import { useUserName } from "../state/session";
import { useWords } from "../state/preferences";
import { client, itemQuery, useLayer } from "../state/queries";
import { useTitle, type When } from "../state/titles";
import { sameRef, useView } from "../state/view";

interface Shown {
  layer: string;
  fid: number;
  /** The moment whose title is shown. */
  when: When;
  /** Is the feature selected as of that moment, where it is not the one that all is shown for? */
  asOf?: boolean;
  tabIndex?: number;
}

const stay = (event: SyntheticEvent) => event.stopPropagation();

/** A reference where many are shown: a link by the title of what is meant; its number until that has come, or where the reader does not see it. */
export function RefTitle({ layer: id, fid, when, asOf = false, tabIndex }: Shown) {
  const { t, language } = useWords();
  const name = useUserName();
  const layer = useLayer(id);
  const title = useTitle(layer, fid, when);
  if (!layer || title.data === null) return <span className="none" title={t("error.404")}>{fid}</span>;
  if (!title.data) return <>{fid}</>;
  const ref = { layer: id, fid };
  const label = labelOf(layer, title.data, language);
  const go = async (event: MouseEvent) => {
    // The row that the link stands in is another feature.
    event.stopPropagation();
    const { time, select, pick } = useView.getState();
    const day = when.datetime === today() ? null : when.datetime ?? null;
    const elsewhere = asOf && day !== time.day;
    if (elsewhere) pick([{ ...ref, label }], day);
    else select([ref]);
    const shown = { datetime: (elsewhere ? day : time.day) ?? undefined, knownAt: time.knownAt ?? undefined };
    // What cannot be read the panel of the feature says.
    const whole = await client.fetchQuery(itemQuery(ref, shown, name)).catch(() => null);
    const { selection, fly } = useView.getState();
    const bounds = boundsOf([whole?.geometry]);
    if (bounds && selection.length === 1 && sameRef(selection[0]!, ref)) fly({ bounds });
  };
  return (
    <button type="button" className="link-button" tabIndex={tabIndex} title={label === `#${fid}` ? undefined : `${label} · #${fid}`}
      onClick={(event) => void go(event)} onDoubleClick={stay}>{label}</button>
  );
}
