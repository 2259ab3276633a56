import Modal from "antd/es/modal";
import { lazy, Suspense } from "react";
import { Boundary } from "../panels/Boundary";
import { Loading } from "../panels/PanelState";
import { useDesk } from "../state/desk";
import { useWords } from "../state/preferences";
import "../styles/admin.css";

const PANELS = {
  keys: lazy(() => import("./KeysPanel")),
  accounts: lazy(() => import("./AccountsPanel")),
  audit: lazy(() => import("./AuditPanel")),
  hosts: lazy(() => import("./HostsPanel")),
};

/** Keys, accounts, the audit or the hosts of other services, over the map. */
export default function DeskDialog() {
  const { t } = useWords();
  const panel = useDesk((desk) => desk.panel);
  if (!panel) return null;
  const Panel = PANELS[panel];
  return (
    <Modal open title={t(`${panel}.title`)} footer={null} width={panel === "keys" || panel === "hosts" ? 720 : 1040} className="desk-dialog" onCancel={() => useDesk.setState({ panel: null })}>
      <Boundary><Suspense fallback={<Loading rows={6} />}><Panel /></Suspense></Boundary>
    </Modal>
  );
}
