import Button from "antd/es/button";
import Input from "antd/es/input";
import { useState } from "react";
import { readPersonal } from "../api/personal";
import type { Layer, Properties } from "../api/types";
import { useWords } from "../state/preferences";
import { useErrorText } from "./PanelState";

// The server takes no reason that says less.
const SHORTEST = 4;

/** Personal data open only to who gives a reason; the audit keeps it. */
export function PersonalGate({ layer, fid, opened }: { layer: Layer; fid: number; opened: (values: Properties) => void }) {
  const { t } = useWords();
  const textOf = useErrorText();
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const [fault, setFault] = useState("");
  if (!asking) return <Button onClick={() => setAsking(true)}>{t("feature.personalOpen")}</Button>;
  const show = async () => {
    try {
      opened(await readPersonal(layer.id, fid, reason.trim()));
    } catch (error) {
      setFault(textOf(error));
    }
  };
  return (
    <form className="personal-form" onSubmit={(event) => { event.preventDefault(); void show(); }}>
      <label>
        {t("feature.personalReason")}
        <Input autoFocus value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
      </label>
      {fault && <p className="form-fault" role="alert">{fault}</p>}
      <Button type="primary" htmlType="submit" disabled={reason.trim().length < SHORTEST}>{t("feature.personalShow")}</Button>
    </form>
  );
}
