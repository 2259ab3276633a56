import { DownloadOutlined } from "../../icons";
import Button from "antd/es/button";
import Dropdown from "antd/es/dropdown";
import { useEffect, useRef } from "react";
import { type FileFormat, readFile, saveFile } from "../../api/export";
import type { Question } from "../../api/items";
import type { Layer } from "../../api/types";
import type { MessageKey } from "../../format/messages.zh";
import { formatNumber } from "../../format/value";
import { useNotices } from "../../state/notices";
import { useWords } from "../../state/preferences";
import { useErrorText } from "../PanelState";

const FORMATS: [FileFormat, MessageKey][] = [["csv", "table.exportCsv"], ["geojson", "table.exportGeojson"], ["gpkg", "table.exportGpkg"]];

/** Take away exactly what the table shows, filtered and sorted as it is; the server makes the file. */
export function ExportButton({ layer, question }: { layer: Layer; question: Question }) {
  const { t, language } = useWords();
  const textOf = useErrorText();
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const take = async (format: FileFormat) => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    const { tell, change, drop } = useNotices.getState();
    const textFor = (bytes: number) => t("table.exporting", { size: formatNumber(bytes / 1e6, language, 1) });
    const notice = tell({ kind: "busy", text: textFor(0), action: { text: t("common.cancel"), run: () => control.abort() } }, 0);
    try {
      const { file, count } = await readFile(question, format, language, (bytes) => change(notice, textFor(bytes)), control.signal);
      saveFile(file, `${layer.id}.${format}`);
      tell({ kind: "done", text: t("table.exported", { count: formatNumber(count, language) }) });
    } catch (error) {
      if (!control.signal.aborted) tell({ kind: "fault", text: textOf(error) });
    } finally {
      drop(notice);
    }
  };
  return (
    <Dropdown trigger={["click"]} menu={{ items: FORMATS.map(([format, name]) => ({ key: format, label: t(name), onClick: () => void take(format) })) }}>
      <Button icon={<DownloadOutlined />}>{t("table.export")}</Button>
    </Dropdown>
  );
}
