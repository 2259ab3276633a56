import { CloseOutlined } from "../icons";
import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import { useState } from "react";
import { forgetTheme, keepTheme, readThemes } from "../api/thematic";
import type { Layer } from "../api/types";
import { Failure, Loading, useErrorText } from "../panels/PanelState";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { client } from "../state/queries";
import { useSession, useUserName } from "../state/session";
import type { Theme } from "../state/work";

/** Thematic styles of a layer that are kept on the server; shared ones are for all who may read what they show. */
export function KeptThemes({ layer, theme, load }: { layer: Layer; theme: Theme | undefined; load: (theme: Theme) => void }) {
  const { t } = useWords();
  const name = useUserName();
  const textOf = useErrorText();
  const [title, setTitle] = useState("");
  const [shared, setShared] = useState(false);
  const kept = useQuery({ queryKey: ["kept-themes", "", name], queryFn: ({ signal }) => readThemes(signal) });
  const told = async (work: Promise<unknown>, text?: string) => {
    try {
      await work;
      await client.invalidateQueries({ queryKey: ["kept-themes"] });
      if (text) useNotices.getState().tell({ kind: "done", text });
    } catch (error) {
      useNotices.getState().tell({ kind: "fault", text: textOf(error) });
    }
  };
  if (kept.isPending) return <Loading rows={2} />;
  if (kept.isError) return <Failure error={kept.error} retry={() => void kept.refetch()} />;
  const own = kept.data.filter((each) => each.layer === layer.id);
  return (
    <section aria-label={t("theme.kept")}>
      <h3 className="work-head">{t("theme.kept")}</h3>
      {own.length === 0 && <p className="place-hint">{t("theme.noneKept")}</p>}
      <ul className="kept">
        {own.map((each) => (
          <li key={each.id}>
            <button type="button" className="link-button" onClick={() => load(each.theme as Theme)}>{each.title}</button>
            {each.mine ? (
              <button type="button" className="quiet" aria-label={t("theme.forget", { title: each.title })} title={t("theme.forget", { title: each.title })}
                onClick={() => void told(forgetTheme(each.id))}><CloseOutlined /></button>
            ) : <small className="place-hint">{each.owner}</small>}
          </li>
        ))}
      </ul>
      {name === "" ? (
        <p className="place-hint">{t("theme.signIn")} <button type="button" className="link-button" onClick={() => useSession.getState().setForm("open")}>{t("account.signIn")}</button></p>
      ) : theme && (
        <form className="keep" onSubmit={(event) => {
          event.preventDefault();
          if (title.trim()) void told(keepTheme(layer.id, title.trim(), theme, shared), t("theme.saved", { title: title.trim() })).then(() => setTitle(""));
        }}>
          <Input aria-label={t("theme.title")} placeholder={t("theme.title")} maxLength={80} value={title} onChange={(event) => setTitle(event.target.value)} />
          <Checkbox checked={shared} onChange={(event) => setShared(event.target.checked)}>{t("theme.share")}</Checkbox>
          <Button htmlType="submit" disabled={title.trim() === ""}>{t("edit.save")}</Button>
        </form>
      )}
    </section>
  );
}
