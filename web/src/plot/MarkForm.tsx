import { useQuery } from "@tanstack/react-query";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import { useEffect, useRef } from "react";
import { measureGeometry } from "../api/geometry";
import { distanceM, eastOf, figureOf, type FigureKind } from "../format/figures";
import { formatNumber } from "../format/value";
import { type Mark, type MarkStyle, usePlot } from "../state/plot";
import { useWords } from "../state/preferences";
import { SeenBy } from "./SeenBy";

const COLOURS = [
  ["#d6336c", "plot.color.pink"], ["#c92a2a", "plot.color.red"], ["#e8590c", "plot.color.orange"], ["#e6a700", "plot.color.yellow"], ["#2b8a3e", "plot.color.green"],
  ["#0b7285", "plot.color.teal"], ["#1864ab", "plot.color.blue"], ["#5f3dc4", "plot.color.violet"], ["#343a40", "plot.color.grey"],
] as const;

/** How a mark looks: of the one that is chosen, or of the next one. */
export function StyleForm({ kind, style, change }: { kind: FigureKind; style: MarkStyle; change: (style: Partial<MarkStyle>) => void }) {
  const { t } = useWords();
  const isPoint = kind === "symbol" || kind === "text";
  const isLine = kind === "line" || kind === "freehand";
  return (
    <div className="mark-style">
      <div className="mark-colours" role="radiogroup" aria-label={t("plot.color")}>
        {COLOURS.map(([color, name]) => (
          <button key={color} type="button" role="radio" aria-checked={style.color === color} aria-label={t(name)} title={t(name)}
            style={{ background: color }} onClick={() => change({ color })} />
        ))}
        <input type="color" aria-label={t("plot.color.other")} title={t("plot.color.other")} value={style.color} onChange={(event) => change({ color: event.target.value })} />
      </div>
      <label>{t(isPoint ? "plot.size" : "plot.width")}
        <InputNumber min={isPoint ? 10 : 1} max={isPoint ? 96 : 20} value={style.widthPx} onChange={(value) => value && change({ widthPx: value })} suffix="px" />
      </label>
      {!isPoint && !isLine && (
        <label>{t("plot.opacity")}
          <InputNumber min={0} max={100} step={5} value={Math.round(style.opacity * 100)} suffix="%" onChange={(value) => value !== null && change({ opacity: value / 100 })} />
        </label>
      )}
      {!isPoint && <Checkbox checked={style.dashed} onChange={(event) => change({ dashed: event.target.checked })}>{t("plot.dashed")}</Checkbox>}
    </div>
  );
}

/** The mark that is chosen: its words, its looks, its radius, and what the server measures of it. */
export function MarkForm({ mark }: { mark: Mark }) {
  const { t, language } = useWords();
  const { change } = usePlot.getState();
  const form = useRef<HTMLElement>(null);
  // Below the tools there may be no room for it, least of all on a phone.
  useEffect(() => {
    form.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const geometry = figureOf(mark.kind, mark.positions);
  const flat = geometry !== null && geometry.type !== "Point";
  const measured = useQuery({
    queryKey: ["measured", "", geometry], enabled: flat, staleTime: Infinity,
    queryFn: ({ signal }) => measureGeometry(geometry!, signal),
  });
  return (
    <section className="mark-form" ref={form} aria-label={t(`plot.${mark.kind}`)}>
      <StyleForm kind={mark.kind} style={mark} change={(style) => change(mark.key, style)} />
      {mark.kind === "circle" && (
        <label>{t("plot.radius")}
          <InputNumber min={1} max={100_000} aria-label={t("plot.radius")} value={Math.round(distanceM(mark.positions[0]!, mark.positions[1]!) * 10) / 10}
            onChange={(value) => value && change(mark.key, { positions: [mark.positions[0]!, eastOf(mark.positions[0]!, value)] })} />
        </label>
      )}
      <label>{t("plot.text")}<Input value={mark.title} maxLength={80} onChange={(event) => change(mark.key, { title: event.target.value }, false)} /></label>
      <label>{t("plot.note")}
        <Input.TextArea value={mark.note} maxLength={2000} autoSize={{ minRows: 1, maxRows: 4 }} onChange={(event) => change(mark.key, { note: event.target.value }, false)} />
      </label>
      {mark.item !== null && <label>{t("plot.seenBy")}<SeenBy value={mark.seenBy} owner={mark.item.properties.owner} change={(seenBy) => change(mark.key, { seenBy }, false)} /></label>}
      {measured.data && (
        <p className="form-note mark-measured" role="status">
          {measured.data.grid_area_m2 !== null
            ? t("plot.measured", { area: formatNumber(measured.data.grid_area_m2, language, 1), srid: measured.data.srid })
            : t("plot.measuredLength", { length: formatNumber(measured.data.grid_length_m, language, 1), srid: measured.data.srid })}
        </p>
      )}
    </section>
  );
}
