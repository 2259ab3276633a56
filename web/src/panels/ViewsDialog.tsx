import { DeleteOutlined, EditOutlined, LinkOutlined, SaveOutlined } from "../icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Button from "antd/es/button";
import Input from "antd/es/input";
import Modal from "antd/es/modal";
import Segmented from "antd/es/segmented";
import Select from "antd/es/select";
import { useState } from "react";
import { changeView, forgetView, type KeptView, keepView, readView, readViews } from "../api/views";
import { pick } from "../format/text";
import { restoreKept, shortLink, snapshot } from "../state/kept";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { useSession } from "../state/session";
import { flushAddress } from "../state/view";
import { Empty, Failure, Loading, useErrorText } from "./PanelState";
import "../styles/views.css";

type Sharing = KeptView["sharing"];

async function copy(text: string): Promise<void> {
  await navigator.clipboard?.writeText(text).catch(() => undefined);
}

/** Who a view is for: oneself, one of one's roles, everybody. */
function Audience({ sharing, role, change }: { sharing: Sharing; role: string | null; change: (sharing: Sharing, role: string | null) => void }) {
  const { t, language } = useWords();
  const roles = useSession((session) => session.account?.roles) ?? [];
  return (
    <div className="views-audience" role="group" aria-label={t("views.sharing")}>
      <Segmented aria-label={t("views.sharing")} value={sharing} options={(["private", "role", "public"] as const).map((value) => ({ value, label: t(`views.${value}`) }))}
        onChange={(value) => change(value, value === "role" ? roles[0]?.role ?? null : null)} />
      {sharing === "role" && roles.length > 1 && (
        <Select aria-label={t("views.whichRole")} value={role} onChange={(value) => change("role", value)}
          options={roles.map((each) => ({ value: each.role, label: pick(each.title, language) }))} />
      )}
    </div>
  );
}

function Bookmark({ view, close }: { view: KeptView; close: () => void }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const [naming, setNaming] = useState(false);
  const name = view.title ?? "";
  const refresh = () => void queries.invalidateQueries({ queryKey: ["views"] });
  const tellFault = (error: unknown) => void useNotices.getState().tell({ kind: "fault", text: textOf(error) });
  const rename = useMutation({ mutationFn: (title: string) => changeView(view.id, { title }), onSuccess: refresh, onError: tellFault });
  const renew = useMutation({
    mutationFn: () => changeView(view.id, { state: snapshot() }), onError: tellFault,
    onSuccess: () => { refresh(); useNotices.getState().tell({ kind: "done", text: t("views.renewed") }, 3); },
  });
  const forget = useMutation({ mutationFn: () => forgetView(view.id), onSuccess: refresh, onError: tellFault });
  const open = useMutation({
    mutationFn: () => readView(view.id), onError: tellFault,
    onSuccess: (kept) => {
      restoreKept(kept);
      if (!kept.complete) useNotices.getState().tell({ kind: "fault", text: t("views.partial") }, 10);
      close();
    },
  });
  const finish = (title: string) => {
    setNaming(false);
    if (title.trim() && title.trim() !== name) rename.mutate(title);
  };
  return (
    <li className="bookmark">
      {naming ? (
        <Input autoFocus defaultValue={name} maxLength={120} aria-label={t("views.rename", { name })}
          onPressEnter={(event) => finish(event.currentTarget.value)} onBlur={(event) => finish(event.target.value)}
          onKeyDown={(event) => { if (event.key === "Escape") { event.stopPropagation(); setNaming(false); } }} />
      ) : (
        <button type="button" className="bookmark-open" aria-label={t("views.open", { name })} onClick={() => open.mutate()}>
          <strong>{name}</strong>
          <small>
            {view.changed_at.slice(0, 10)} · {t(`views.${view.sharing}`)}{!view.mine && view.owner && ` · ${t("views.of", { owner: view.owner })}`}
          </small>
        </button>
      )}
      {view.mine && (
        <span className="bookmark-actions">
          <Button type="text" icon={<SaveOutlined />} aria-label={t("views.renew", { name })} title={t("views.renew", { name })} onClick={() => renew.mutate()} />
          <Button type="text" icon={<EditOutlined />} aria-label={t("views.rename", { name })} title={t("views.rename", { name })} onClick={() => setNaming(true)} />
          <Button type="text" danger icon={<DeleteOutlined />} aria-label={t("views.delete", { name })} title={t("views.delete", { name })} onClick={() => forget.mutate()} />
        </span>
      )}
    </li>
  );
}

function Own({ close }: { close: () => void }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const [shared, setShared] = useState<{ sharing: Sharing; role: string | null }>({ sharing: "private", role: null });
  const [title, setTitle] = useState("");
  const views = useQuery({ queryKey: ["views"], queryFn: ({ signal }) => readViews(signal) });
  const tellFault = (error: unknown) => void useNotices.getState().tell({ kind: "fault", text: textOf(error) });
  const link = useMutation({
    mutationFn: () => shortLink(shared.sharing, shared.role), onError: tellFault,
    onSuccess: (href) => void copy(href).then(() => useNotices.getState().tell({ kind: "done", text: t("views.copied") }, 3)),
  });
  const save = useMutation({
    mutationFn: () => keepView({ state: snapshot(), title, ...shared }), onError: tellFault,
    onSuccess: () => { setTitle(""); void queries.invalidateQueries({ queryKey: ["views"] }); },
  });
  return (
    <>
      <p className="views-hint">{t("views.linkHint")}</p>
      <Audience {...shared} change={(sharing, role) => { setShared({ sharing, role }); link.reset(); }} />
      <div className="views-line">
        <Input readOnly value={link.data ?? ""} placeholder={t("views.link")} aria-label={t("views.made")} onFocus={(event) => event.target.select()} />
        <Button type="primary" icon={<LinkOutlined />} loading={link.isPending} onClick={() => link.mutate()}>{t("views.copy")}</Button>
      </div>
      <form className="views-line" onSubmit={(event) => { event.preventDefault(); if (title.trim()) save.mutate(); }}>
        <Input value={title} maxLength={120} placeholder={t("views.name")} aria-label={t("views.name")} onChange={(event) => setTitle(event.target.value)} />
        <Button htmlType="submit" icon={<SaveOutlined />} loading={save.isPending} disabled={!title.trim()}>{t("views.save")}</Button>
      </form>
      <h3 className="views-head">{t("views.bookmarks")}</h3>
      {views.isPending ? <Loading rows={3} />
        : views.isError ? <Failure error={views.error} retry={() => void views.refetch()} />
          : views.data.length === 0 ? <Empty title={t("views.empty")} hint={t("views.emptyHint")} />
            : <ul className="bookmarks">{views.data.map((view) => <Bookmark key={view.id} view={view} close={close} />)}</ul>}
    </>
  );
}

/** Short links and bookmarks. */
export default function ViewsDialog({ close }: { close: () => void }) {
  const { t } = useWords();
  const account = useSession((session) => session.account);
  const copyLong = () => {
    flushAddress();
    void copy(window.location.href).then(() => useNotices.getState().tell({ kind: "done", text: t("feature.copied") }, 3));
  };
  return (
    <Modal open title={t("views.title")} onCancel={close} footer={null} width={520} className="views">
      {account ? <Own close={close} /> : (
        <Empty title={t("error.401")} hint={t("views.signIn")}>
          <span className="views-line">
            <Button type="primary" onClick={() => { close(); useSession.getState().setForm("open"); }}>{t("account.signIn")}</Button>
            <Button icon={<LinkOutlined />} onClick={copyLong}>{t("views.copyLong")}</Button>
          </span>
        </Empty>
      )}
    </Modal>
  );
}
