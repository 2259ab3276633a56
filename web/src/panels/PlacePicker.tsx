import Button from "antd/es/button";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { readPage } from "../api/items";
import type { Layer } from "../api/types";
import { labelOf } from "../format/label";
import { pick } from "../format/text";
import { formatNumber } from "../format/value";
import { drawArea, type Shape, useShape } from "../state/place";
import { useWords } from "../state/preferences";
import { useLayer, useLayers, useWhen } from "../state/queries";
import { useView } from "../state/view";
import type { Place, Rule } from "../state/work";

const SHAPES: Shape[] = ["rectangle", "polygon", "circle"];
const HINTS = { rectangle: "place.drawRectangle", polygon: "place.drawPolygon", circle: "place.drawCircle" } as const;
const MOST_DISTRICTS = 100;
const DEFAULT_RADIUS_M = 1000;

/** The layer of the city's districts: the one whose features say themselves which district they are. */
function useDistricts(): Layer | undefined {
  return useLayers().find((layer) => layer.kind === "spatial" && layer.district !== undefined && layer.district === layer.key);
}

function District({ layer, place, set }: { layer: Layer; place: Place; set: (place: Place) => void }) {
  const { t, language } = useWords();
  const when = useWhen();
  const read = useQuery({
    queryKey: ["names", layer.id, when],
    queryFn: ({ signal }) => readPage({ layer: layer.id, ...when, sort: layer.key ? { field: layer.key, descending: false } : null }, { limit: MOST_DISTRICTS }, signal),
  });
  return (
    <Select aria-label={t("place.choose")} placeholder={t("place.choose")} style={{ width: "100%" }} loading={read.isPending}
      value={place.features?.layer === layer.id ? place.features.fids[0] : undefined} showSearch={{ optionFilterProp: "label" }}
      onChange={(fid: number) => set({ kind: "features", features: { layer: layer.id, fids: [fid] }, bufferM: place.bufferM })}
      options={(read.data?.features ?? []).map((item) => ({ value: item.id, label: labelOf(layer, item, language) }))} />
  );
}

function Drawing({ set, drawn }: { set: (place: Place) => void; drawn: boolean }) {
  const { t } = useWords();
  const { shape } = useShape();
  const drawing = useView((view) => view.tool === "area");
  const [radius, setRadius] = useState(DEFAULT_RADIUS_M);
  const around = () => {
    const { camera } = useView.getState();
    if (camera) set({ kind: "area", geometry: { type: "Point", coordinates: [Number(camera.lon.toFixed(6)), Number(camera.lat.toFixed(6))] }, bufferM: radius });
  };
  return (
    <>
      <div className="place-shapes" role="group" aria-label={t("place.area")}>
        {SHAPES.map((each) => (
          <Button key={each} aria-pressed={drawing && shape === each} type={drawing && shape === each ? "primary" : "default"} onClick={() => drawArea(each)}>
            {t(`place.${each}`)}
          </Button>
        ))}
      </div>
      {(drawing || !drawn) && <p className="place-hint" role="status">{t(drawing ? HINTS[shape] : "place.drawFirst")}</p>}
      <div className="place-circle">
        <InputNumber aria-label={t("place.radius")} min={1} max={50_000} value={radius} suffix="m" onChange={(value) => value && setRadius(value)} />
        <Button onClick={around}>{t("place.centre")}</Button>
      </div>
    </>
  );
}

function Chosen({ place, set }: { place: Place; set: (place: Place) => void }) {
  const { t, language } = useWords();
  const selection = useView((view) => view.selection);
  const chosen = useLayer(place.features?.layer);
  const layer = selection.at(-1)?.layer;
  const fids = selection.filter((ref) => ref.layer === layer).map((ref) => ref.fid);
  return (
    <>
      <p className="place-hint">{chosen && place.features
        ? t("place.chosen", { count: formatNumber(place.features.fids.length, language), layer: pick(chosen.title, language) }) : t("place.none")}</p>
      {layer && fids.length > 0 && (
        <Button onClick={() => set({ kind: "features", features: { layer, fids }, bufferM: place.bufferM })}>{t("place.useSelection", { count: fids.length })}</Button>
      )}
    </>
  );
}

/** Choose the part of the city to ask about, a buffer around it, and the rule for what is partly in it. */
export function PlacePicker({ rules, rule, setRule }: { rules: Rule[]; rule: Rule; setRule: (rule: Rule) => void }) {
  const { t } = useWords();
  const place = useView((view) => view.work.place);
  const districts = useDistricts();
  const [district, setDistrict] = useState(place.kind === "features" && place.features?.layer === districts?.id);
  const set = (next: Place) => useView.getState().setWork({ place: next });
  const kinds: Place["kind"][] = ["view", "city", "area", "features"];
  const shown = district && place.kind === "features" ? "district" : place.kind;
  const choose = (kind: Place["kind"] | "district") => {
    setDistrict(kind === "district");
    const { selection } = useView.getState();
    const layer = selection.at(-1)?.layer;
    if (kind === "district") set({ kind: "features" });
    else if (kind === "features" && layer) set({ kind, features: { layer, fids: selection.filter((ref) => ref.layer === layer).map((ref) => ref.fid) } });
    else set({ kind });
    if (kind === "area") drawArea("rectangle");
    else if (useView.getState().tool === "area") useView.getState().setTool("identify");
  };
  const buffered = place.kind === "area" ? place.geometry !== undefined : place.kind === "features" && place.features !== undefined;
  return (
    <section className="place" aria-label={t("place.title")}>
      <label className="work-line">
        <span>{t("place.title")}</span>
        <Select aria-label={t("place.title")} value={shown} onChange={choose}
          options={[...kinds.map((kind) => ({ value: kind, label: t(`place.${kind}`) })), ...(districts ? [{ value: "district" as const, label: t("place.district") }] : [])]} />
      </label>
      {place.kind === "area" && <Drawing set={set} drawn={place.geometry !== undefined} />}
      {place.kind === "features" && (district && districts ? <District layer={districts} place={place} set={set} /> : <Chosen place={place} set={set} />)}
      {buffered && (
        <label className="work-line">
          <span>{t("place.buffer")}</span>
          <InputNumber aria-label={t("place.buffer")} min={0} max={50_000} value={place.bufferM ?? 0}
            onChange={(value) => set({ ...place, bufferM: value || undefined })} />
        </label>
      )}
      {place.kind !== "city" && (
        <label className="work-line">
          <span>{t("rule.title")}</span>
          <Select aria-label={t("rule.title")} value={rules.includes(rule) ? rule : rules[0]} onChange={setRule}
            options={rules.map((each) => ({ value: each, label: t(`rule.${each}`) }))} />
        </label>
      )}
    </section>
  );
}
