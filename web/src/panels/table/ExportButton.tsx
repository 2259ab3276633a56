import { DownloadOutlined } from "@ant-design/icons";
import Button from "antd/es/button";
import Dropdown from "antd/es/dropdown";
import { useEffect, useRef } from "react";
import { exportItems, type Question } from "../../api/items";
import { formatNumber } from "../../format/value";
import { useNotices } from "../../state/notices";
import { useWords } from "../../state/preferences";
import { useErrorText } from "../PanelState";

/** Take away exactly what the table shows, filtered and sorted as it is. */
export function ExportButton({ question }: { question: Question }) {
  const { t, language } = useWords();
  const textOf = useErrorText();
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const take = async (format: "csv" | "json") => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    const { tell, change, drop } = useNotices.getState();
    const textFor = (count: number) => t("table.exporting", { count: formatNumber(count, language) });
    const notice = tell({ kind: "busy", text: textFor(0), action: { text: t("common.cancel"), run: () => control.abort() } }, 0);
    let count = 0;
    try {
      const { properties: _all, ...whole } = question;
      const blob = await exportItems(whole, format, (now) => { count = now; change(notice, textFor(now)); }, control.signal);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${question.layer}.${format === "csv" ? "csv" : "geojson"}`;
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      tell({ kind: "done", text: t("table.exported", { count: formatNumber(count, language) }) });
    } catch (error) {
      if (!control.signal.aborted) tell({ kind: "fault", text: textOf(error) });
    } finally {
      drop(notice);
    }
  };
  return (
    <Dropdown trigger={["click"]} menu={{
      items: [
        { key: "csv", label: t("table.exportCsv"), onClick: () => void take("csv") },
        { key: "json", label: t("table.exportGeojson"), onClick: () => void take("json") },
      ],
    }}>
      <Button icon={<DownloadOutlined />}>{t("table.export")}</Button>
    </Dropdown>
  );
}
