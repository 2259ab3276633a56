import { EnvironmentOutlined } from "../../icons";
import type { Fault } from "../../api/types";
import { useWords } from "../../state/preferences";
import { useView } from "../../state/view";

/** What the server's checks found, each with its place. */
export function FaultList({ faults }: { faults: Fault[] }) {
  const { t } = useWords();
  if (faults.length === 0) return null;
  return (
    <div className="faults" role="alert">
      <strong>{t("edit.faults", { count: faults.length })}</strong>
      <ul>
        {faults.map((fault, index) => (
          <li key={index}>
            {fault.message}
            {fault.place && (
              <button type="button" className="link-button"
                onClick={() => useView.getState().fly({ bounds: [...fault.place!, ...fault.place!], zoom: 18.5 })}>
                <EnvironmentOutlined /> {t("edit.showPlace")}
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
