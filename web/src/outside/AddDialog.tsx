import { useQuery, useQueryClient } from "@tanstack/react-query";
import Button from "antd/es/button";
import Input from "antd/es/input";
import Modal from "antd/es/modal";
import Select from "antd/es/select";
import { useState } from "react";
import { addOutside, type OutsideService, readHosts, readService, type ServiceKind } from "../api/outside";
import { Empty, Failure, Loading } from "../panels/PanelState";
import { putOutside, saidOf, useOutside } from "../state/outside";
import { useWords } from "../state/preferences";
import { useSession } from "../state/session";
import { KeptOutside } from "./KeptOutside";
import { type Chosen, OfferedList } from "./OfferedList";
import "../styles/admin.css";

const KINDS: ServiceKind[] = ["auto", "wms", "wmts", "ogc-api", "xyz", "geojson"];

/** Which hosts may be asked; one of them is a beginning. */
function Hosts({ choose }: { choose: (origin: string) => void }) {
  const { t } = useWords();
  const hosts = useQuery({ queryKey: ["outside-hosts", ""], queryFn: ({ signal }) => readHosts(signal), staleTime: 0 });
  if (hosts.isPending) return <Loading rows={1} />;
  if (hosts.isError) return <Failure error={hosts.error} retry={() => void hosts.refetch()} />;
  if (hosts.data.hosts.length === 0) return <Empty title={t("outside.noHosts")} hint={t("outside.noHostsHint")} />;
  return (
    <div className="outside-hosts">
      <span>{t("outside.hosts")}</span>
      {hosts.data.hosts.map((host) => (
        <button key={host.id} type="button" title={host.origin} onClick={() => choose(host.origin)}>{host.title || host.origin.replace(/^https?:\/\//, "")}</button>
      ))}
    </div>
  );
}

function SignIn() {
  const { t } = useWords();
  return (
    <Empty title={t("outside.signIn")}>
      <Button type="primary" onClick={() => { useOutside.setState({ adding: false }); useSession.getState().setForm("open"); }}>{t("account.signIn")}</Button>
    </Empty>
  );
}

function Reading() {
  const { t } = useWords();
  const client = useQueryClient();
  const [url, setUrl] = useState("");
  const [kind, setKind] = useState<ServiceKind>("auto");
  const [found, setFound] = useState<{ service: OutsideService; url: string; kind: ServiceKind } | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const act = async (work: () => Promise<void>) => {
    setBusy(true);
    setFault("");
    try {
      await work();
    } catch (error) {
      // The server says what is wrong and what to do about it.
      setFault(saidOf(error));
    } finally {
      setBusy(false);
    }
  };
  const read = () => act(async () => {
    setFound(null);
    const asked = { url: url.trim(), kind };
    setFound({ service: await readService(asked.url, asked.kind), ...asked });
  });
  const put = (chosen: Chosen[]) => act(async () => {
    for (const wish of chosen) putOutside([await addOutside({ url: found!.url, kind: found!.kind, ...wish })]);
    void client.invalidateQueries({ queryKey: ["outside-kept"] });
    useOutside.setState({ adding: false });
  });
  return (
    <>
      <p className="form-note">{t("outside.what", { z: "{z}", x: "{x}", y: "{y}" })}</p>
      <form className="outside-form" aria-label={t("outside.dialog")} onSubmit={(event) => { event.preventDefault(); void read(); }}>
        <Input id="outside-url" aria-label={t("outside.url")} placeholder="https://maps.example.org/wms" value={url} maxLength={2000} spellCheck={false} autoFocus
          onChange={(event) => setUrl(event.target.value)} />
        <Select id="outside-kind" aria-label={t("outside.kind")} value={kind} onChange={setKind} popupMatchSelectWidth={false}
          options={KINDS.map((each) => ({ value: each, label: t(`outside.kind.${each}`, { z: "{z}", x: "{x}", y: "{y}" }) }))} />
        <Button type="primary" htmlType="submit" loading={busy && !found} disabled={!url.trim()}>{t("outside.read")}</Button>
      </form>
      {fault && <p className="form-fault" role="alert">{fault}</p>}
      {busy && !found && <Loading rows={5} />}
      {found && <OfferedList service={found.service} busy={busy} put={(chosen) => void put(chosen)} />}
      {!found && !busy && <Hosts choose={(origin) => setUrl(`${origin}/`)} />}
      {!found && !busy && <KeptOutside />}
    </>
  );
}

/** Add layers of another service to the map. */
export default function AddDialog() {
  const { t } = useWords();
  const account = useSession((session) => session.account);
  return (
    <Modal open title={t("outside.dialog")} footer={null} width={720} className="outside-dialog" onCancel={() => useOutside.setState({ adding: false })}>
      {account && !account.must_change ? <Reading /> : <SignIn />}
    </Modal>
  );
}
