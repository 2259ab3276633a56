import { CloseOutlined } from "../icons";
import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import Input from "antd/es/input";
import { useState } from "react";
import { publishStyle, readPublished, withdrawStyle } from "../api/layerStyles";
import type { Layer } from "../api/types";
import { NO_DATA, radiusOf, ramp } from "../format/palette";
import { pick } from "../format/text";
import { Failure, Loading, useErrorText } from "../panels/PanelState";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { client } from "../state/queries";
import { useSession, useUserName } from "../state/session";
import { useClassification } from "../state/themes";
import { useView } from "../state/view";
import type { Theme } from "../state/work";

/** Can a theme be a style of its layer: does it show one number in classes of colour, or of points and lines in sizes? */
export function isPublishable(layer: Layer, theme: Theme): boolean {
  const sized = theme.kind === "graduated" && /Point$|LineString$/.test(layer.geometry ?? "");
  return (theme.kind === "choropleth" || sized) && (theme.value.of !== undefined || theme.value.field !== undefined);
}

/** Styles of the layer that were published, for whoever may read what they show; and the present theme, to become one. */
export function PublishedStyles({ layer, theme }: { layer: Layer; theme: Theme | undefined }) {
  const { t, language } = useWords();
  const name = useUserName();
  const textOf = useErrorText();
  const able = useSession((session) => session.account?.capabilities.includes("publish_styles") === true);
  const chosen = useView((view) => view.work.styles[layer.id]);
  const [title, setTitle] = useState("");
  const [busy, setBusy] = useState(false);
  const published = useQuery({ queryKey: ["published-styles", "", name], queryFn: ({ signal }) => readPublished(signal) });
  const told = async (work: Promise<unknown>, text: string) => {
    setBusy(true);
    try {
      await work;
      // What layers offer has changed, and what was read of a style of the same name.
      await Promise.all(["published-styles", "config", "layer-styles"].map((key) => client.invalidateQueries({ queryKey: [key] })));
      useNotices.getState().tell({ kind: "done", text });
      setTitle("");
    } catch (error) {
      useNotices.getState().tell({ kind: "fault", text: textOf(error) });
    } finally {
      setBusy(false);
    }
  };
  if (published.isPending) return <Loading rows={2} />;
  if (published.isError) return <Failure error={published.error} retry={() => void published.refetch()} />;
  const own = published.data.filter((each) => each.layer === layer.id);
  if (own.length === 0 && !able) return null;
  const choose = (style: string) => {
    const { styles } = useView.getState().work;
    const { [layer.id]: _, ...others } = styles;
    useView.getState().setWork({ styles: chosen === style ? others : { ...others, [layer.id]: style } });
    // Who chooses a style wants to see it.
    if (chosen !== style) useView.getState().show([layer.id], true);
  };
  return (
    <section aria-label={t("styles.title")}>
      <h3 className="work-head">{t("styles.title")}</h3>
      {own.length === 0 && <p className="place-hint">{t("styles.none")}</p>}
      <ul className="kept">
        {own.map((each) => (
          <li key={each.id}>
            {each.fault ? <span className="style-fault"><s>{each.title}</s> <small>{pick(each.fault, language)}</small></span> : (
              <button type="button" className="link-button" aria-pressed={chosen === each.name} onClick={() => choose(each.name)}>{each.title}</button>
            )}
            {each.may_withdraw ? (
              <button type="button" className="quiet" disabled={busy} aria-label={t("styles.withdraw", { title: each.title })} title={t("styles.withdraw", { title: each.title })}
                onClick={() => void told(withdrawStyle(each.id), t("styles.withdrawn", { title: each.title }))}><CloseOutlined /></button>
            ) : <small className="place-hint">{each.owner}</small>}
          </li>
        ))}
      </ul>
      {able && theme && (isPublishable(layer, theme)
        ? <Publish layer={layer} theme={theme} title={title} setTitle={setTitle} busy={busy} told={told} />
        : <p className="place-hint">{t("styles.cannot")}</p>)}
    </section>
  );
}

interface Publishing {
  layer: Layer;
  theme: Theme;
  title: string;
  setTitle: (title: string) => void;
  busy: boolean;
  told: (work: Promise<unknown>, text: string) => Promise<void>;
}

/** The present classes as a style: they stay as they are now, whatever is edited later. */
function Publish({ layer, theme, title, setTitle, busy, told }: Publishing) {
  const { t } = useWords();
  const found = useClassification(layer, theme).data;
  const classes = Math.max(0, (found?.edges.length ?? 0) - 1);
  const publish = () => {
    if (!found || !title.trim()) return;
    const breaks = found.edges.slice(1, -1);
    const sized = theme.kind === "graduated";
    void told(publishStyle({
      layer: layer.id, title: title.trim(), value: theme.value, breaks, no_data: NO_DATA,
      colors: sized ? breaks.concat(0).map(() => ramp(theme.palette, 5)[3]!) : ramp(theme.palette, classes),
      ...(sized ? { sizes: breaks.concat(0).map((_, index) => radiusOf(index)) } : {}),
    }), t("styles.done", { title: title.trim() }));
  };
  return (
    <form className="keep" onSubmit={(event) => { event.preventDefault(); publish(); }}>
      <Input aria-label={t("styles.name")} placeholder={t("styles.name")} maxLength={80} value={title} onChange={(event) => setTitle(event.target.value)} />
      <Button htmlType="submit" loading={busy} disabled={title.trim() === "" || classes < 2}>{t("styles.publish")}</Button>
    </form>
  );
}
