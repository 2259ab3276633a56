import { KeyOutlined, LinkOutlined, LogoutOutlined, TableOutlined, UndoOutlined, UserOutlined } from "../icons";
import { pick } from "../format/text";
import { useDesk } from "../state/desk";
import { useDraft } from "../state/draft";
import { useWords } from "../state/preferences";
import { client } from "../state/queries";
import { useSession } from "../state/session";
import { BarMenu } from "./BarMenu";
import { askUndo } from "./undo";

const DESK = [
  { panel: "keys", needs: "make_keys" }, { panel: "accounts", needs: "manage_accounts" }, { panel: "audit", needs: "read_audit" },
  { panel: "hosts", needs: "manage_layers" },
] as const;

/** Who one is, or the way to sign in. */
export function AccountMenu() {
  const { t, language } = useWords();
  const { account, signOut, setForm } = useSession();
  const lastSeq = useDraft((drafting) => drafting.lastSeq);
  if (!account) {
    return (
      <button type="button" className="bar-button account" onClick={() => setForm("open")}>
        <UserOutlined /><span className="account-name">{t("account.signIn")}</span>
      </button>
    );
  }
  const roles = account.roles.map((role) => pick(role.title, language)).join(" · ");
  const leave = async () => {
    await signOut();
    useDraft.getState().end();
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "config" });
  };
  return (
    <BarMenu className="bar-button account" head={`${account.username} · ${roles}`}
      button={(
        <>
          <UserOutlined />
          <span className="visually-hidden">{t("account.menu")}</span>
          <span className="account-name"><strong>{account.display_name || account.username}</strong><small>{roles}</small></span>
        </>
      )}
      entries={[
        ...(lastSeq ? [{ key: "undo", icon: <UndoOutlined />, label: t("undo.last"), act: () => askUndo(lastSeq) }] : []),
        ...DESK.filter(({ needs }) => account.capabilities.includes(needs)).map(({ panel }) => (
          { key: panel, icon: panel === "keys" ? <LinkOutlined /> : <TableOutlined />, label: t(`${panel}.title`), act: () => useDesk.setState({ panel }) })),
        { key: "password", icon: <KeyOutlined />, label: t("account.change"), act: () => setForm("password") },
        { key: "out", icon: <LogoutOutlined />, label: t("account.signOut"), act: () => void leave() },
      ]} />
  );
}
