import { useQuery, useQueryClient } from "@tanstack/react-query";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Modal from "antd/es/modal";
import Select from "antd/es/select";
import { useState } from "react";
import { type Key, makeKey, readKeys, revokeKey } from "../api/desk";
import { dayOf } from "../format/instant";
import { pick } from "../format/text";
import { DeleteOutlined } from "../icons";
import { Empty, Failure, Loading, useErrorText } from "../panels/PanelState";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { Secret } from "./Secret";

const LONGEST_DAYS = 366;

function NewKey({ made }: { made: (key: string) => void }) {
  const { t, language } = useWords();
  const layers = useLayers();
  const client = useQueryClient();
  const textOf = useErrorText();
  const [wish, setWish] = useState({ title: "", layers: [] as string[], days: 90, can_edit: false });
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const make = async () => {
    setBusy(true);
    setFault("");
    try {
      const { key } = await makeKey({ ...wish, title: wish.title.trim(), layers: wish.layers.length > 0 ? wish.layers : null });
      setWish({ ...wish, title: "" });
      made(key);
      void client.invalidateQueries({ queryKey: ["keys"] });
    } catch (error) {
      setFault(textOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="admin-form" aria-label={t("keys.new")} onSubmit={(event) => { event.preventDefault(); void make(); }}>
      <label>{t("keys.name")}<Input id="key-title" value={wish.title} maxLength={80} onChange={(event) => setWish({ ...wish, title: event.target.value })} /></label>
      <label>{t("keys.mayRead")}
        <Select id="key-layers" mode="multiple" allowClear maxTagCount="responsive" placeholder={t("keys.allLayers")} value={wish.layers}
          showSearch={{ optionFilterProp: "label" }} onChange={(value) => setWish({ ...wish, layers: value })}
          options={layers.map((layer) => ({ value: layer.id, label: pick(layer.title, language) }))} />
      </label>
      <label>{t("keys.days")}<InputNumber id="key-days" min={1} max={LONGEST_DAYS} value={wish.days} onChange={(days) => setWish({ ...wish, days: days ?? 90 })} /></label>
      <Checkbox checked={wish.can_edit} onChange={(event) => setWish({ ...wish, can_edit: event.target.checked })}>{t("keys.edit")}</Checkbox>
      <Button type="primary" htmlType="submit" loading={busy} disabled={!wish.title.trim()}>{t("keys.make")}</Button>
      {fault && <p className="form-fault" role="alert">{fault}</p>}
    </form>
  );
}

/** One's own API keys: made, shown once, revoked. */
export default function KeysPanel() {
  const { t, language } = useWords();
  const layers = useLayers();
  const client = useQueryClient();
  const textOf = useErrorText();
  const [secret, setSecret] = useState("");
  const [leaving, setLeaving] = useState<Key | null>(null);
  const [fault, setFault] = useState("");
  const keys = useQuery({ queryKey: ["keys", ""], queryFn: ({ signal }) => readKeys(signal), staleTime: 0 });
  const revoke = async () => {
    if (!leaving) return;
    try {
      await revokeKey(leaving.id);
      setLeaving(null);
      await client.invalidateQueries({ queryKey: ["keys"] });
    } catch (error) {
      setFault(textOf(error));
    }
  };
  return (
    <>
      <p className="form-note">{t("keys.what")}</p>
      <NewKey made={setSecret} />
      {secret && <Secret text={secret} note={t("keys.once")} copyName={t("keys.copy")} copied={t("keys.copied")} />}
      {keys.isPending ? <Loading rows={3} /> : keys.isError ? <Failure error={keys.error} retry={() => void keys.refetch()} />
        : keys.data.length === 0 ? <Empty title={t("keys.empty")} hint={t("keys.emptyHint")} /> : (
          <ul className="admin-list">
            {keys.data.map((key) => (
              <li key={key.id}>
                <div>
                  <strong>{key.title}</strong> <code>{key.prefix}…</code>
                  <small>
                    {key.layers ? key.layers.map((id) => pick(layers.find((layer) => layer.id === id)?.title, language) || id).join(language === "zh" ? "、" : ", ") : t("keys.allLayers")}
                    {" · "}{t(key.can_edit ? "keys.edits" : "keys.reads")}{" · "}{t("keys.expires", { date: dayOf(key.expires_at) })}
                    {" · "}{key.used_at ? t("keys.used", { date: dayOf(key.used_at) }) : t("keys.unused")}
                  </small>
                </div>
                <button type="button" className="quiet" aria-label={t("keys.revoke", { name: key.title })} title={t("keys.revoke", { name: key.title })}
                  onClick={() => setLeaving(key)}><DeleteOutlined /></button>
              </li>
            ))}
          </ul>
        )}
      <Modal open={leaving !== null} width={360} title={t("keys.revoke", { name: leaving?.title ?? "" })} okText={t("keys.revokeYes")} cancelText={t("common.cancel")}
        okButtonProps={{ danger: true }} onCancel={() => setLeaving(null)} onOk={() => void revoke()}>
        <p>{t("keys.revokeAsk")}</p>
        {fault && <p className="form-fault" role="alert">{fault}</p>}
      </Modal>
    </>
  );
}
