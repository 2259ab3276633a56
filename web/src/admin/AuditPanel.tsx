import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import DatePicker from "antd/es/date-picker";
import Input from "antd/es/input";
import Select from "antd/es/select";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { useState } from "react";
import { type AuditQuestion, readAudit, readEvents, type Verdict, verifyAudit } from "../api/desk";
import { formatStamp } from "../format/instant";
import { pick } from "../format/text";
import { Empty, Failure, Loading, useErrorText } from "../panels/PanelState";
import { useWords } from "../state/preferences";
import { useTimeZone } from "../state/queries";

function detailOf(entry: { layer: string | null; fid: number | null; seq: number | null; reason: string | null; detail: Record<string, unknown> }): string {
  const place = [entry.layer, entry.fid && `#${entry.fid}`, entry.seq && `seq ${entry.seq}`].filter(Boolean).join(" ");
  const rest = Object.entries(entry.detail ?? {}).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(" · ");
  return [place, entry.reason, rest].filter(Boolean).join(" · ");
}

/** The audit, for the auditor: searched, paged, and its chain walked. */
export default function AuditPanel() {
  const { t, language } = useWords();
  const zone = useTimeZone();
  const textOf = useErrorText();
  const [question, setQuestion] = useState<AuditQuestion>({});
  const [actor, setActor] = useState("");
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [verifying, setVerifying] = useState(false);
  const [fault, setFault] = useState("");
  const events = useQuery({ queryKey: ["events", ""], queryFn: ({ signal }) => readEvents(signal), staleTime: Infinity });
  const pages = useInfiniteQuery({
    queryKey: ["audit", "", question], initialPageParam: null as number | null, staleTime: 0,
    queryFn: ({ pageParam, signal }) => readAudit(question, pageParam, signal), getNextPageParam: (page) => page.before,
  });
  const verify = async () => {
    setVerifying(true);
    setFault("");
    try {
      setVerdict(await verifyAudit());
    } catch (error) {
      setFault(textOf(error));
    } finally {
      setVerifying(false);
    }
  };
  const set = (change: AuditQuestion) => setQuestion({ ...question, ...change });
  const rows = pages.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      <div className="admin-bar">
        <Select aria-label={t("audit.event")} allowClear placeholder={t("audit.event")} style={{ width: 180 }} showSearch={{ optionFilterProp: "label" }} value={question.event}
          onChange={(event?: string) => set({ event })} options={Object.entries(events.data ?? {}).map(([value, title]) => ({ value, label: pick(title, language) }))} />
        <Input aria-label={t("audit.actor")} type="search" placeholder={t("audit.actor")} style={{ width: 160 }} value={actor}
          onChange={(event) => { setActor(event.target.value); if (!event.target.value) set({ actor: undefined }); }} onPressEnter={() => set({ actor: actor.trim() || undefined })} onBlur={() => set({ actor: actor.trim() || undefined })} />
        <DatePicker aria-label={t("audit.from")} placeholder={t("audit.from")} value={question.from ? dayjs(question.from) : null} onChange={(value) => set({ from: value?.format("YYYY-MM-DD") })} />
        <DatePicker aria-label={t("audit.to")} placeholder={t("audit.to")} value={question.to ? dayjs(question.to) : null} onChange={(value) => set({ to: value?.format("YYYY-MM-DD") })} />
        <Select aria-label={t("audit.result")} style={{ width: 96 }} value={question.succeeded === undefined ? "any" : String(question.succeeded)}
          onChange={(value) => set({ succeeded: value === "any" ? undefined : value === "true" })}
          options={[{ value: "any", label: t("audit.any") }, { value: "true", label: t("audit.succeeded") }, { value: "false", label: t("audit.failed") }]} />
        <span className="spring" />
        <Button loading={verifying} onClick={() => void verify()}>{t("audit.verify")}</Button>
      </div>
      {verdict && (
        <p className={verdict.broken_id === null ? "audit-whole" : "form-fault"} role="status" data-rows={verdict.rows}>
          {verdict.broken_id === null ? t("audit.whole", { count: verdict.rows, head: verdict.head_hash.slice(0, 16) })
            : t("audit.broken", { id: verdict.broken_id, fault: verdict.problem ?? "" })}
        </p>
      )}
      {fault && <p className="form-fault" role="alert">{fault}</p>}
      {pages.isPending ? <Loading rows={8} /> : pages.isError ? <Failure error={pages.error} retry={() => void pages.refetch()} />
        : rows.length === 0 ? <Empty title={t("audit.empty")} /> : (
          <div className="admin-scroll" tabIndex={0} role="region" aria-label={t("audit.title")}>
            <table className="admin-table">
              <thead><tr><th>{t("audit.time")}</th><th>{t("audit.event")}</th><th>{t("audit.actor")}</th><th>{t("audit.result")}</th><th>{t("audit.detail")}</th><th>{t("audit.address")}</th></tr></thead>
              <tbody>
                {rows.map((entry) => (
                  <tr key={entry.id} data-event={entry.event}>
                    <td className="stamp">{formatStamp(entry.at, zone)}</td>
                    <th scope="row">{pick(events.data?.[entry.event], language) || entry.event}</th>
                    <td>{entry.actor}</td>
                    <td data-succeeded={entry.succeeded}>{t(entry.succeeded ? "audit.succeeded" : "audit.failed")}</td>
                    <td className="audit-detail">{detailOf(entry)}</td>
                    <td>{entry.address}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {pages.hasNextPage && <Button loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{t("audit.more")}</Button>}
          </div>
        )}
    </>
  );
}
