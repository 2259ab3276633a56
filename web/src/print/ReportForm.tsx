import { DownloadOutlined } from "../icons";
import { useMutation } from "@tanstack/react-query";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { useEffect, useRef, useState } from "react";
import type { JobState } from "../api/jobs";
import { makeReport } from "../api/reports";
import type { Layer } from "../api/types";
import { pick } from "../format/text";
import { Empty, Failure } from "../panels/PanelState";
import { useGround } from "../state/ground";
import { shownByDefault, topDown } from "../state/layers";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { shownLayers } from "../state/printed";
import { useCity, useLayers } from "../state/queries";
import { useSession } from "../state/session";
import { useView } from "../state/view";
import { Progress } from "./Progress";
import { take } from "./take";

/** Return the field by whose values a layer is counted: the one it is drawn by, else its first code field. */
function groupOf(layer: Layer): string | undefined {
  const codes = layer.fields.filter((field) => field.type === "code");
  return (codes.find((field) => field.name === layer.symbology?.field) ?? codes[0])?.name;
}

/** Set up a report: one HTML file of what is in view, for people without access. */
export function ReportForm() {
  const { t, language } = useWords();
  const city = useCity();
  const layers = useLayers();
  const able = useSession((session) => session.account?.capabilities.includes("export") === true);
  const { shown } = useView((view) => view.layers);
  const order = useView((view) => view.work.order);
  const { ground, imagery } = useGround();
  const [title, setTitle] = useState("");
  const [author, setAuthor] = useState("");
  const [chosen, setChosen] = useState<string[] | null>(null);
  const [inView, setInView] = useState(true);
  const [tables, setTables] = useState(true);
  const [base, setBase] = useState<"none" | "map" | "imagery">(ground === "imagery" ? "imagery" : "map");
  const [job, setJob] = useState<JobState | null>(null);
  const stopping = useRef<AbortController | null>(null);
  useEffect(() => () => stopping.current?.abort(), []);
  const offered = topDown(layers, order).filter((layer) => shown[layer.id] ?? shownByDefault(layer));
  // Everything at once would be too much to read and to carry: at first the layers that stand for something.
  const picked = (chosen ?? offered.filter((layer) => layer.group === "housing" || layer.group === "construction").map((layer) => layer.id)).filter((id) => offered.some((layer) => layer.id === id));
  const make = useMutation({
    mutationFn: () => {
      stopping.current = new AbortController();
      setJob(null);
      const { bounds, time } = useView.getState();
      const heading = title.trim() || t("report.titleDefault", { city: pick(city?.title, language) });
      return makeReport({
        title: heading, author: author.trim(), base, ...(base === "imagery" && imagery ? { imagery: imagery.layer } : {}),
        layers: shownLayers(layers).filter((each) => picked.includes(each.layer)),
        ...(inView && bounds ? { bbox: bounds.map((edge) => Number(edge.toFixed(6))) } : {}),
        datetime: time.day ?? undefined, known_at: time.knownAt ?? undefined,
        tables: tables ? layers.filter((layer) => picked.includes(layer.id) && groupOf(layer)).slice(0, 12).map((layer) => ({ layer: layer.id, by: groupOf(layer)!, chart: true })) : [],
      }, setJob, stopping.current.signal).then((file) => ({ file, name: `${heading.replace(/[\\/:*?"<>|]+/g, "-")}.html` }));
    },
    onSuccess: ({ file, name }) => {
      take(file, name);
      useNotices.getState().tell({ kind: "done", text: t("print.made", { name }) });
    },
  });
  if (!able) return <Empty title={t("error.403")} hint={t("report.noRight")} />;
  if (offered.length === 0) return <Empty title={t("report.noLayers")} hint={t("report.noLayersHint")} />;
  return (
    <form className="print-form" onSubmit={(event) => { event.preventDefault(); make.mutate(); }}>
      <p className="print-note">{t("report.hint")}</p>
      <label><span>{t("report.title")}</span>
        <Input value={title} maxLength={120} placeholder={t("report.titleDefault", { city: pick(city?.title, language) })} onChange={(event) => setTitle(event.target.value)} />
      </label>
      <label><span>{t("report.author")}</span><Input value={author} maxLength={80} onChange={(event) => setAuthor(event.target.value)} /></label>
      <label><span>{t("report.layers")}</span>
        <Select mode="multiple" aria-label={t("report.layers")} value={picked} onChange={setChosen} maxCount={20} showSearch={{ optionFilterProp: "label" }}
          options={offered.map((layer) => ({ value: layer.id, label: pick(layer.title, language) }))} />
      </label>
      <label><span>{t("report.base")}</span>
        <Select aria-label={t("report.base")} value={base} onChange={setBase}
          options={(["map", ...(imagery ? ["imagery" as const] : []), "none"] as const).map((value) => ({ value, label: t(`report.base.${value}`) }))} />
      </label>
      <div className="print-parts">
        <Checkbox checked={inView} onChange={(event) => setInView(event.target.checked)}>{t("report.inView")}</Checkbox>
        <Checkbox checked={tables} onChange={(event) => setTables(event.target.checked)}>{t("report.tables")}</Checkbox>
      </div>
      {make.isPending && <Progress job={job} words={t("report.making")} />}
      {make.isError && !stopping.current?.signal.aborted && <Failure error={make.error} />}
      <div className="print-foot">
        <span className="spring" />
        {make.isPending && <Button onClick={() => stopping.current?.abort()}>{t("print.cancel")}</Button>}
        <Button type="primary" htmlType="submit" icon={<DownloadOutlined />} disabled={picked.length === 0} loading={make.isPending}>{t("report.make")}</Button>
      </div>
    </form>
  );
}
