import { useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { useState } from "react";
import { type AccountRow, changeAccount, makeAccount, readRoles } from "../api/desk";
import { readPage } from "../api/items";
import { pick } from "../format/text";
import { useErrorText } from "../panels/PanelState";
import { useWords } from "../state/preferences";

const MOST_DISTRICTS = 200;

/** Make an account, or change the roles and districts of one. `done` gets the first password of a new one. */
export function AccountForm({ account, done }: { account: AccountRow | null; done: (password: { name: string; password: string } | null) => void }) {
  const { t, language } = useWords();
  const textOf = useErrorText();
  const roles = useQuery({ queryKey: ["roles", ""], queryFn: ({ signal }) => readRoles(signal) });
  const districts = useQuery({
    queryKey: ["districts", "district"],
    queryFn: async ({ signal }) => (await readPage({ layer: "district", properties: ["name", "district_code"] }, { limit: MOST_DISTRICTS }, signal)).features,
  });
  const [wish, setWish] = useState({
    username: account?.username ?? "", display_name: account?.display_name ?? "", roles: account?.roles ?? [],
    districts: account?.districts ?? [], everywhere: account ? account.districts === null : false,
  });
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const send = async () => {
    setBusy(true);
    setFault("");
    const given = { display_name: wish.display_name.trim(), roles: wish.roles, districts: wish.everywhere ? null : wish.districts };
    try {
      if (account) {
        await changeAccount(account.account_id, given);
        done(null);
      } else {
        const made = await makeAccount({ username: wish.username.trim(), ...given });
        done({ name: made.username, password: made.password });
      }
    } catch (error) {
      setFault(textOf(error));
    } finally {
      setBusy(false);
    }
  };
  const named = (districts.data ?? []).map((item) => ({
    value: String(item.properties.district_code), label: `${String(item.properties.name ?? "")} ${String(item.properties.district_code)}`,
  }));
  return (
    <form className="admin-form" aria-label={account ? t("accounts.edit", { name: account.username }) : t("accounts.new")}
      onSubmit={(event) => { event.preventDefault(); void send(); }}>
      {!account && (
        <label>{t("accounts.username")}<Input id="account-username" autoComplete="off" value={wish.username} maxLength={40} onChange={(event) => setWish({ ...wish, username: event.target.value })} /></label>
      )}
      <label>{t("accounts.display")}<Input id="account-display" autoComplete="off" value={wish.display_name} maxLength={60} onChange={(event) => setWish({ ...wish, display_name: event.target.value })} /></label>
      <label>{t("accounts.roles")}
        <Select id="account-roles" mode="multiple" loading={roles.isPending} value={wish.roles} onChange={(value) => setWish({ ...wish, roles: value })} showSearch={{ optionFilterProp: "label" }}
          options={(roles.data?.roles ?? []).map((role) => ({
            value: role.role, label: pick(role.title, language), disabled: role.machine_only, title: role.machine_only ? t("accounts.machine") : pick(role.description, language),
          }))} />
      </label>
      <label>{t("accounts.districts")}
        <Select id="account-districts" mode="multiple" disabled={wish.everywhere} loading={districts.isPending} value={wish.everywhere ? [] : wish.districts} maxTagCount="responsive"
          placeholder={wish.everywhere ? t("accounts.everywhere") : undefined} showSearch={{ optionFilterProp: "label" }} onChange={(value) => setWish({ ...wish, districts: value })} options={named} />
      </label>
      <Checkbox checked={wish.everywhere} onChange={(event) => setWish({ ...wish, everywhere: event.target.checked })}>{t("accounts.everywhere")}</Checkbox>
      <span className="admin-buttons">
        <Button onClick={() => done(null)}>{t("common.cancel")}</Button>
        <Button type="primary" htmlType="submit" loading={busy} disabled={(!account && !wish.username.trim()) || wish.roles.length === 0}>
          {t(account ? "accounts.save" : "accounts.make")}
        </Button>
      </span>
      {fault && <p className="form-fault" role="alert">{fault}</p>}
    </form>
  );
}
