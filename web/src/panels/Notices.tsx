import { CheckCircleFilled, CloseOutlined, ExclamationCircleFilled, LoadingOutlined } from "../icons";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";

const ICONS = { done: <CheckCircleFilled />, fault: <ExclamationCircleFilled />, busy: <LoadingOutlined /> };

/** Short notices at the bottom of the screen. */
export function Notices() {
  const { t } = useWords();
  const { list, drop } = useNotices();
  return (
    <div className="notices" aria-live="polite">
      {list.map((notice) => (
        <div key={notice.id} className="notice" data-kind={notice.kind}>
          {ICONS[notice.kind]}
          <span>{notice.text}</span>
          {notice.action && (
            <button type="button" className="notice-action" onClick={() => { drop(notice.id); notice.action!.run(); }}>
              {notice.action.text}
            </button>
          )}
          <button type="button" className="quiet" aria-label={t("common.close")} onClick={() => drop(notice.id)}><CloseOutlined /></button>
        </div>
      ))}
    </div>
  );
}
