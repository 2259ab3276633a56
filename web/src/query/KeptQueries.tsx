import { CloseOutlined } from "../icons";
import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import Input from "antd/es/input";
import { useState } from "react";
import { forgetQuery, keepQuery, readQueries } from "../api/kept";
import type { Layer } from "../api/types";
import { type Condition, toCql2 } from "../format/condition";
import { Failure, Loading, useErrorText } from "../panels/PanelState";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { client } from "../state/queries";
import { useSession, useUserName } from "../state/session";

/** Queries that the reader keeps for a layer: on the server, for nobody else. */
export function KeptQueries({ layer, draft, load }: { layer: Layer; draft: Condition[] | null; load: (conditions: Condition[]) => void }) {
  const { t } = useWords();
  const name = useUserName();
  const textOf = useErrorText();
  const [title, setTitle] = useState("");
  const kept = useQuery({ queryKey: ["kept-queries", "", name], queryFn: ({ signal }) => readQueries(signal), enabled: name !== "" });
  const again = () => client.invalidateQueries({ queryKey: ["kept-queries"] });
  const told = async (work: Promise<unknown>, text?: string) => {
    try {
      await work;
      await again();
      if (text) useNotices.getState().tell({ kind: "done", text });
    } catch (error) {
      useNotices.getState().tell({ kind: "fault", text: textOf(error) });
    }
  };
  const save = () => {
    const filter = draft && toCql2(draft, layer.fields);
    if (!draft || !filter || title.trim() === "") return;
    void told(keepQuery(layer.id, title.trim(), draft, filter), t("query.saved", { title: title.trim() })).then(() => setTitle(""));
  };
  const own = (kept.data ?? []).filter((query) => query.layer === layer.id);
  return (
    <section aria-label={t("query.kept")}>
      <h3 className="work-head">{t("query.kept")}</h3>
      {name === "" ? (
        <p className="place-hint">{t("query.signIn")} <button type="button" className="link-button" onClick={() => useSession.getState().setForm("open")}>{t("account.signIn")}</button></p>
      ) : kept.isPending ? <Loading rows={2} /> : kept.isError ? <Failure error={kept.error} retry={() => void kept.refetch()} /> : (
        <>
          {own.length === 0 && <p className="place-hint">{t("query.noneKept")}</p>}
          <ul className="kept">
            {own.map((query) => (
              <li key={query.id}>
                <button type="button" className="link-button" onClick={() => load(query.conditions as Condition[])}>{query.title}</button>
                <button type="button" className="quiet" aria-label={t("query.forget", { title: query.title })} title={t("query.forget", { title: query.title })}
                  onClick={() => void told(forgetQuery(query.id))}><CloseOutlined /></button>
              </li>
            ))}
          </ul>
          <form className="keep" onSubmit={(event) => { event.preventDefault(); save(); }}>
            <Input aria-label={t("query.title")} placeholder={t("query.title")} maxLength={80} value={title} onChange={(event) => setTitle(event.target.value)} />
            <Button htmlType="submit" disabled={!draft || title.trim() === ""}>{t("edit.save")}</Button>
          </form>
        </>
      )}
    </section>
  );
}
