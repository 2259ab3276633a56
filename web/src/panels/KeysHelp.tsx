import Modal from "antd/es/modal";
import type { MessageKey } from "../format/messages.zh";
import { useWords } from "../state/preferences";

const KEYS: [string[], MessageKey][] = [
  [["/"], "keys.search"],
  [["Esc"], "keys.close"],
  [["L"], "keys.layers"],
  [["T"], "keys.table"],
  [["B"], "big.open"],
  [["0"], "keys.today"],
  [["Alt", "←"], "views.back"],
  [["Alt", "→"], "views.forth"],
  [["←", "↑", "→", "↓"], "keys.pan"],
  [["+", "−"], "keys.zoom"],
  [["Shift", "←", "↑", "→", "↓"], "keys.rotate"],
  [["Ctrl", "(Shift)", "Z"], "keys.undoStep"],
  [["Space"], "keys.place"],
  [["Enter"], "keys.finish"],
  [["?"], "keys.help"],
];

export default function KeysHelp({ close }: { close: () => void }) {
  const { t } = useWords();
  return (
    <Modal open title={t("settings.keys")} onCancel={close} footer={null} width={420}>
      <dl className="keys">
        {KEYS.map(([keys, meaning]) => (
          <div key={meaning}>
            <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{t(meaning)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
