import { useWords } from "../state/preferences";
import type { JobState } from "../api/jobs";

/** How far the server is with a sheet or a report; null while it makes it at once. */
export function Progress({ job, words }: { job: JobState | null; words: string }) {
  const { t } = useWords();
  const text = !job ? words : job.status === "accepted" ? t("print.queued") : job.message ?? words;
  return (
    <div className="print-progress" role="status">
      <progress max={100} value={job && job.status === "running" ? job.progress : undefined} aria-label={text} />
      <span>{text}</span>
    </div>
  );
}
