import { PrinterOutlined } from "../icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Segmented from "antd/es/segmented";
import Select from "antd/es/select";
import { useEffect, useRef, useState } from "react";
import type { JobState } from "../api/jobs";
import { isLarge, makeByJob, makeSheet, type PrintWish, readPapers } from "../api/print";
import { pick } from "../format/text";
import { formatNumber } from "../format/value";
import { Failure, Loading } from "../panels/PanelState";
import { useGround } from "../state/ground";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { shownLayers, shownOutside, shownThemes } from "../state/printed";
import { useCity, useLayers } from "../state/queries";
import { useSheet } from "../state/sheet";
import { useView } from "../state/view";
import { Progress } from "./Progress";
import { take } from "./take";

const EARTH_M = 40_075_016.686;
const SCALES = [500, 1000, 2000, 2500, 5000, 10_000, 25_000, 50_000, 100_000];

/** Set up a sheet; the frame on the map is what will be on it. */
export function SheetForm() {
  const { t, language } = useWords();
  const city = useCity();
  const layers = useLayers();
  const time = useView((view) => view.time);
  const laid = useGround();
  const selection = useView((view) => view.selection);
  const papers = useQuery({ queryKey: ["papers"], queryFn: ({ signal }) => readPapers(signal), staleTime: Infinity });
  const [paper, setPaper] = useState("A4");
  const [orientation, setOrientation] = useState<"portrait" | "landscape">("landscape");
  const [scale, setScale] = useState(10_000);
  const [title, setTitle] = useState("");
  const [format, setFormat] = useState<"pdf" | "png">("pdf");
  const [parts, setParts] = useState({ grid: true, legend: true, seal: true });
  const [asAtlas, setAsAtlas] = useState(false);
  const [withImagery, setWithImagery] = useState(true);
  const [job, setJob] = useState<JobState | null>(null);
  const stopping = useRef<AbortController | null>(null);
  const sheet = papers.data?.papers.find((each) => each.paper === paper && each.orientation === orientation);
  const frame = sheet ? { width_m: (sheet.map_width_mm / 1000) * scale, height_m: (sheet.map_height_mm / 1000) * scale } : null;
  useEffect(() => {
    useSheet.setState({ frame });
  }, [frame?.width_m, frame?.height_m]);
  useEffect(() => () => {
    useSheet.setState({ frame: null });
    stopping.current?.abort();
  }, []);

  const focused = selection.at(-1)?.layer;
  const imagery = laid.ground === "imagery" ? laid.imagery : null;
  const atlas = selection.filter((ref) => ref.layer === focused).slice(0, papers.data?.most_pages ?? 30);
  const make = useMutation({
    mutationFn: () => {
      stopping.current = new AbortController();
      const camera = useView.getState().camera!;
      const isAtlas = asAtlas && atlas.length > 0;
      const wish: PrintWish = {
        layers: shownLayers(layers), themes: shownThemes(layers), outside: shownOutside(),
        ...(imagery && withImagery ? { imagery: { layer: imagery.layer } } : {}),
        scale, paper, orientation, title: title.trim() || t("print.headingDefault", { city: pick(city?.title, language) }),
        format: isAtlas ? "pdf" : format, datetime: time.day ?? undefined, known_at: time.knownAt ?? undefined, ...parts,
        ...(isAtlas ? { atlas: { layer: focused!, fids: atlas.map((ref) => ref.fid) } } : { center: [camera.lon, camera.lat] as [number, number] }),
      };
      setJob(null);
      return isLarge(wish) ? makeByJob(wish, setJob, stopping.current.signal) : makeSheet(wish, stopping.current.signal);
    },
    onSuccess: ({ file, name }) => {
      take(file, name);
      useNotices.getState().tell({ kind: "done", text: t("print.made", { name }) });
    },
  });
  const seeAll = () => {
    const { camera, fly } = useView.getState();
    if (!frame || !camera) return;
    // The middle stays: it is the middle of the sheet. Room is left for the panels at both sides.
    const stage = document.querySelector(".stage")?.getBoundingClientRect();
    const room = { width: Math.max(200, (stage?.width ?? 1000) - 720), height: Math.max(200, (stage?.height ?? 700) - 80) };
    const metres = Math.max(frame.width_m / room.width, frame.height_m / room.height);
    fly({ center: [camera.lon, camera.lat], zoom: Math.log2((EARTH_M * Math.cos((camera.lat * Math.PI) / 180)) / (512 * metres)), bearing: 0, pitch: 0 });
  };
  if (papers.isPending) return <Loading rows={8} />;
  if (papers.isError) return <Failure error={papers.error} retry={() => void papers.refetch()} />;
  return (
    <form className="print-form" onSubmit={(event) => { event.preventDefault(); make.mutate(); }}>
      <label><span>{t("print.heading")}</span>
        <Input value={title} maxLength={120} placeholder={t("print.headingDefault", { city: pick(city?.title, language) })} onChange={(event) => setTitle(event.target.value)} />
      </label>
      <div className="print-pair">
        <label><span>{t("print.paper")}</span>
          <Select aria-label={t("print.paper")} value={paper} onChange={setPaper} options={["A4", "A3", "A2", "A1", "A0"].map((value) => ({ value, label: value }))} />
        </label>
        <div role="group" aria-label={t("print.orientation")}>
          <span>{t("print.orientation")}</span>
          <Segmented aria-label={t("print.orientation")} value={orientation} onChange={setOrientation}
            options={(["landscape", "portrait"] as const).map((value) => ({ value, label: t(`print.${value}`) }))} />
        </div>
      </div>
      <div className="print-pair">
        <label><span>{t("print.scale")}</span>
          <InputNumber<number> aria-label={t("print.scale")} prefix="1:" value={scale} min={papers.data.scales.minimum} max={papers.data.scales.maximum} step={500} precision={0}
            onChange={(value) => { if (value) setScale(value); }} />
        </label>
        <Select aria-label={t("print.scale")} value={SCALES.includes(scale) ? scale : null} placeholder={`1:${formatNumber(scale, language)}`} onChange={setScale}
          options={SCALES.map((value) => ({ value, label: `1:${formatNumber(value, language)}` }))} />
      </div>
      <div className="print-parts">
        {(["grid", "legend", "seal"] as const).map((part) => (
          <Checkbox key={part} checked={parts[part]} onChange={(event) => setParts({ ...parts, [part]: event.target.checked })}>{t(`print.${part}`)}</Checkbox>
        ))}
        {imagery && <Checkbox checked={withImagery} onChange={(event) => setWithImagery(event.target.checked)}>{t("print.imagery")}</Checkbox>}
      </div>
      <div role="group" aria-label={t("print.format")}>
        <Segmented aria-label={t("print.format")} value={asAtlas && atlas.length > 0 ? "pdf" : format} disabled={asAtlas && atlas.length > 0} onChange={setFormat} options={[{ value: "pdf", label: "PDF" }, { value: "png", label: "PNG" }]} />
      </div>
      {atlas.length > 0 && (
        <Checkbox checked={asAtlas} onChange={(event) => setAsAtlas(event.target.checked)}>{t("print.atlas", { count: atlas.length })}</Checkbox>
      )}
      {frame && <p className="print-note">{t("print.frame", { width: formatNumber(Math.round(frame.width_m), language), height: formatNumber(Math.round(frame.height_m), language) })}</p>}
      {make.isPending && <Progress job={job} words={t("print.making")} />}
      {make.isError && !stopping.current?.signal.aborted && <Failure error={make.error} />}
      <div className="print-foot">
        <Button onClick={seeAll}>{t("print.fit")}</Button>
        <span className="spring" />
        {make.isPending && <Button onClick={() => stopping.current?.abort()}>{t("print.cancel")}</Button>}
        <Button type="primary" htmlType="submit" icon={<PrinterOutlined />} loading={make.isPending}>{t(make.isPending ? "print.making" : "print.make")}</Button>
      </div>
    </form>
  );
}
