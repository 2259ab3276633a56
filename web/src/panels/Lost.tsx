import Button from "antd/es/button";
import { CloseOutlined } from "../icons";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import { Empty, WaysOn } from "./PanelState";

/** Of what is not there, or not for this account, nothing more is known: how one goes on from here. */
export function Lost() {
  const { t } = useWords();
  return (
    <Empty title={t("error.404")} hint={t("feature.lostHint")}>
      <WaysOn><Button onClick={() => useView.getState().select([])}>{t("common.close")}</Button></WaysOn>
    </Empty>
  );
}

/** The panel of a feature whose layer this account does not have. */
export function LostPanel({ fid }: { fid: number }) {
  const { t } = useWords();
  return (
    <aside className="panel feature" data-covers="right" aria-label={t("feature.title")}>
      <header className="panel-head">
        <div className="feature-head"><h2>{`#${fid}`}</h2></div>
        <button type="button" className="quiet" aria-label={t("common.close")} onClick={() => useView.getState().select([])}><CloseOutlined /></button>
      </header>
      <Lost />
    </aside>
  );
}
