import { DownloadOutlined } from "../../icons";
import Button from "antd/es/button";
import Dropdown from "antd/es/dropdown";
import { useEffect, useRef } from "react";
import { type Question, readAll } from "../../api/items";
import type { Layer } from "../../api/types";
import { csvHead, csvRows } from "../../format/csv";
import { formatNumber } from "../../format/value";
import { useNotices } from "../../state/notices";
import { useWords } from "../../state/preferences";
import { useTimeZone } from "../../state/queries";
import { useErrorText } from "../PanelState";

function save(parts: string[], type: string, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Take away exactly what the table shows, filtered and sorted as it is. */
export function ExportButton({ layer, question }: { layer: Layer; question: Question }) {
  const { t, language } = useWords();
  const zone = useTimeZone();
  const textOf = useErrorText();
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const take = async (format: "csv" | "geojson") => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    const { tell, change, drop } = useNotices.getState();
    const textFor = (count: number) => t("table.exporting", { count: formatNumber(count, language) });
    const notice = tell({ kind: "busy", text: textFor(0), action: { text: t("common.cancel"), run: () => control.abort() } }, 0);
    const { properties: _shown, ...whole } = question;
    const isTable = format === "csv";
    let count = 0;
    try {
      // The byte order mark: without it spreadsheet programs read the local code page.
      const parts = isTable ? [`\ufeff${csvHead(layer.fields, language)}\r\n`] : ['{"type":"FeatureCollection","features":[\n'];
      await readAll(whole, !isTable, (items) => {
        const rows = isTable ? csvRows(items, layer.fields, language, zone) : items.map((item) => JSON.stringify(item));
        if (rows.length > 0) parts.push((!isTable && count > 0 ? ",\n" : "") + rows.join(isTable ? "\r\n" : ",\n") + (isTable ? "\r\n" : ""));
        count += items.length;
        change(notice, textFor(count));
      }, control.signal);
      if (!isTable) parts.push("\n]}\n");
      save(parts, isTable ? "text/csv;charset=utf-8" : "application/geo+json", `${question.layer}.${format}`);
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
        { key: "geojson", label: t("table.exportGeojson"), onClick: () => void take("geojson") },
      ],
    }}>
      <Button icon={<DownloadOutlined />}>{t("table.export")}</Button>
    </Dropdown>
  );
}
