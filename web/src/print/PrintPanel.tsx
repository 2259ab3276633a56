import { CloseOutlined } from "../icons";
import Button from "antd/es/button";
import Segmented from "antd/es/segmented";
import { useState } from "react";
import { Empty } from "../panels/PanelState";
import { useWords } from "../state/preferences";
import { useSession } from "../state/session";
import { useSheet } from "../state/sheet";
import { ReportForm } from "./ReportForm";
import { SheetForm } from "./SheetForm";
import "../styles/print.css";

/** Printing: a panel beside the map, which shows the frame of the sheet. */
export default function PrintPanel() {
  const { t } = useWords();
  const account = useSession((session) => session.account);
  const [kind, setKind] = useState<"sheet" | "report">("sheet");
  return (
    <aside className="panel print" data-covers="right" aria-label={t("print.title")}>
      <header className="panel-head">
        <h2>{t("print.title")}</h2>
        <button type="button" className="quiet" aria-label={t("common.close")} onClick={() => useSheet.setState({ open: false, frame: null })}><CloseOutlined /></button>
      </header>
      <div className="panel-body">
        {account ? (
          <>
            <div className="print-kind" role="group" aria-label={t("print.kind")}>
              <Segmented block aria-label={t("print.kind")} value={kind} onChange={setKind} options={[{ value: "sheet", label: t("print.sheet") }, { value: "report", label: t("report.report") }]} />
            </div>
            {kind === "sheet" ? <SheetForm /> : <ReportForm />}
          </>
        ) : (
          <Empty title={t("error.401")} hint={t("print.signIn")}>
            <Button type="primary" onClick={() => useSession.getState().setForm("open")}>{t("account.signIn")}</Button>
          </Empty>
        )}
      </div>
    </aside>
  );
}
