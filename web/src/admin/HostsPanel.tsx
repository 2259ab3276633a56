import { useQuery, useQueryClient } from "@tanstack/react-query";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import Modal from "antd/es/modal";
import { useState } from "react";
import { allowHost, forbidHost, type OutsideHost, readHosts } from "../api/outside";
import { dayOf } from "../format/instant";
import { DeleteOutlined } from "../icons";
import { Empty, Failure, Loading, useErrorText } from "../panels/PanelState";
import { useWords } from "../state/preferences";

const BLANK = { origin: "", title: "", private: false, everyone: false };

/** The hosts of others that the server may ask: allowed and forbidden. */
export default function HostsPanel() {
  const { t } = useWords();
  const client = useQueryClient();
  const textOf = useErrorText();
  const [wish, setWish] = useState(BLANK);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const [leaving, setLeaving] = useState<OutsideHost | null>(null);
  const hosts = useQuery({ queryKey: ["outside-hosts", ""], queryFn: ({ signal }) => readHosts(signal), staleTime: 0 });
  const act = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setFault("");
    try {
      await work();
      await client.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith("outside") });
      return true;
    } catch (error) {
      setFault(textOf(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  const allow = async () => {
    if (await act(() => allowHost({ ...wish, origin: wish.origin.trim(), title: wish.title.trim() || null }))) setWish(BLANK);
  };
  const forbid = async () => {
    if (leaving && await act(() => forbidHost(leaving.id))) setLeaving(null);
  };
  return (
    <>
      <p className="form-note">{t("hosts.what")}</p>
      <form className="admin-form host-form" aria-label={t("hosts.title")} onSubmit={(event) => { event.preventDefault(); void allow(); }}>
        <label>{t("hosts.origin")}<Input id="host-origin" value={wish.origin} maxLength={300} spellCheck={false} onChange={(event) => setWish({ ...wish, origin: event.target.value })} /></label>
        <label>{t("hosts.name")}<Input id="host-title" value={wish.title} maxLength={120} onChange={(event) => setWish({ ...wish, title: event.target.value })} /></label>
        <div className="host-flags">
          <Checkbox checked={wish.private} onChange={(event) => setWish({ ...wish, private: event.target.checked })}>{t("hosts.privateHint")}</Checkbox>
          <Checkbox checked={wish.everyone} onChange={(event) => setWish({ ...wish, everyone: event.target.checked })}>{t("hosts.everyoneHint")}</Checkbox>
        </div>
        <Button type="primary" htmlType="submit" loading={busy} disabled={!wish.origin.trim()}>{t("hosts.allow")}</Button>
        {fault && !leaving && <p className="form-fault" role="alert">{fault}</p>}
      </form>
      {hosts.isPending ? <Loading rows={3} /> : hosts.isError ? <Failure error={hosts.error} retry={() => void hosts.refetch()} />
        : hosts.data.hosts.length === 0 ? <Empty title={t("hosts.empty")} hint={t("hosts.emptyHint")} /> : (
          <ul className="admin-list">
            {hosts.data.hosts.map((host) => (
              <li key={host.id} data-origin={host.origin}>
                <div>
                  <strong>{host.origin}</strong> {host.title}
                  <small>
                    {[host.private && t("hosts.private"), host.everyone && t("hosts.everyone"),
                      t("hosts.by", { date: dayOf(host.allowed_at ?? ""), who: host.allowed_by ?? "" })].filter(Boolean).join(" · ")}
                  </small>
                </div>
                <button type="button" className="quiet" aria-label={t("hosts.forbid", { origin: host.origin })} title={t("hosts.forbid", { origin: host.origin })}
                  onClick={() => setLeaving(host)}><DeleteOutlined /></button>
              </li>
            ))}
          </ul>
        )}
      <Modal open={leaving !== null} width={400} title={t("hosts.forbid", { origin: leaving?.origin ?? "" })} okText={t("hosts.forbidYes")} cancelText={t("common.cancel")}
        okButtonProps={{ danger: true, loading: busy }} onCancel={() => setLeaving(null)} onOk={() => void forbid()}>
        <p>{t("hosts.forbidAsk")}</p>
        {fault && <p className="form-fault" role="alert">{fault}</p>}
      </Modal>
    </>
  );
}
