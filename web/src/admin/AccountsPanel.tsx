import { useQuery, useQueryClient } from "@tanstack/react-query";
import Button from "antd/es/button";
import Input from "antd/es/input";
import Modal from "antd/es/modal";
import { useState } from "react";
import { type AccountRow, changeAccount, readAccounts, readRoles, resetPassword } from "../api/desk";
import { pick } from "../format/text";
import { EditOutlined, KeyOutlined, PlusOutlined } from "../icons";
import { Empty, Failure, Loading, useErrorText } from "../panels/PanelState";
import { useWords } from "../state/preferences";
import { useUserName } from "../state/session";
import { AccountForm } from "./AccountForm";
import { Secret } from "./Secret";

/** All accounts, for the security admin: their roles and districts, made, changed, disabled, given a new first password. */
export default function AccountsPanel() {
  const { t, language } = useWords();
  const me = useUserName();
  const client = useQueryClient();
  const textOf = useErrorText();
  const found = useQuery({ queryKey: ["accounts", ""], queryFn: ({ signal }) => readAccounts(signal), staleTime: 0 });
  const roles = useQuery({ queryKey: ["roles", ""], queryFn: ({ signal }) => readRoles(signal) });
  const [text, setText] = useState("");
  const [form, setForm] = useState<AccountRow | "new" | null>(null);
  const [secret, setSecret] = useState<{ name: string; password: string } | null>(null);
  const [resetting, setResetting] = useState<AccountRow | null>(null);
  const [fault, setFault] = useState("");
  const refresh = () => client.invalidateQueries({ queryKey: ["accounts"] });
  const act = async (what: () => Promise<void>) => {
    setFault("");
    try {
      await what();
      await refresh();
    } catch (error) {
      setFault(textOf(error));
    }
  };
  if (found.isPending) return <Loading rows={6} />;
  if (found.isError) return <Failure error={found.error} retry={() => void found.refetch()} />;
  const titleOf = (role: string) => pick(roles.data?.roles.find((each) => each.role === role)?.title, language) || role;
  const isMachines = (account: AccountRow) => account.roles.some((role) => roles.data?.roles.find((each) => each.role === role)?.machine_only);
  const shown = found.data.filter((account) => `${account.username} ${account.display_name}`.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <>
      <div className="admin-bar">
        <Input type="search" aria-label={t("accounts.filter")} placeholder={t("accounts.filter")} value={text} onChange={(event) => setText(event.target.value)} />
        <small>{t("accounts.count", { count: shown.length })}</small>
        <Button type="primary" icon={<PlusOutlined />} onClick={() => setForm("new")}>{t("accounts.new")}</Button>
      </div>
      {secret && <Secret text={secret.password} note={t("accounts.password", { name: secret.name })} copyName={t("accounts.copy")} copied={t("accounts.copied")} />}
      {fault && <p className="form-fault" role="alert">{fault}</p>}
      {form === "new" && <AccountForm account={null} done={(made) => { setForm(null); if (made) setSecret(made); void refresh(); }} />}
      {shown.length === 0 ? <Empty title={t("accounts.none")} /> : (
        <div className="admin-scroll" tabIndex={0} role="region" aria-label={t("accounts.title")}>
          <table className="admin-table">
            <thead><tr><th>{t("accounts.username")}</th><th>{t("accounts.display")}</th><th>{t("accounts.roles")}</th><th>{t("accounts.districts")}</th><th>{t("accounts.state")}</th><th aria-hidden="true" /></tr></thead>
            <tbody>
              {shown.map((account) => {
                const name = account.username;
                const fixed = isMachines(account);
                return (
                  <tr key={account.account_id} data-username={name} data-disabled={account.is_disabled}>
                    <th scope="row">{name}</th>
                    <td>{account.display_name}</td>
                    <td>{account.roles.map(titleOf).join(language === "zh" ? "、" : ", ")}</td>
                    <td>{account.districts === null ? t("accounts.everywhere") : account.districts.join(language === "zh" ? "、" : ", ")}</td>
                    <td>{t(account.is_disabled ? "accounts.disabled" : "accounts.enabled")}{account.must_change && <small> · {t("accounts.mustChange")}</small>}</td>
                    <td className="admin-actions">
                      {fixed ? <small>{t("accounts.machine")}</small> : (
                        <>
                          <Button type="text" icon={<EditOutlined />} aria-label={t("accounts.edit", { name })} title={t("accounts.edit", { name })} onClick={() => setForm(account)} />
                          <Button type="text" icon={<KeyOutlined />} disabled={name === me} aria-label={t("accounts.reset", { name })} title={t("accounts.reset", { name })} onClick={() => setResetting(account)} />
                          <Button disabled={name === me} aria-label={t(account.is_disabled ? "accounts.enable" : "accounts.disable", { name })}
                            onClick={() => void act(async () => { await changeAccount(account.account_id, { is_disabled: !account.is_disabled }); })}>
                            {t(account.is_disabled ? "accounts.enabledDo" : "accounts.disabledDo")}
                          </Button>
                        </>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {form !== null && form !== "new" && (
        <Modal open footer={null} width={520} title={t("accounts.edit", { name: form.username })} onCancel={() => setForm(null)}>
          <AccountForm key={form.account_id} account={form} done={() => { setForm(null); void refresh(); }} />
        </Modal>
      )}
      <Modal open={resetting !== null} width={380} title={t("accounts.reset", { name: resetting?.username ?? "" })} okText={t("common.apply")} cancelText={t("common.cancel")}
        onCancel={() => setResetting(null)} onOk={() => void act(async () => {
          const account = resetting!;
          setResetting(null);
          setSecret({ name: account.username, password: await resetPassword(account.account_id) });
        })}>
        <p>{t("accounts.resetAsk")}</p>
      </Modal>
    </>
  );
}
