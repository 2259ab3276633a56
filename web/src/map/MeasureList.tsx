import Button from "antd/es/button";
import { CloseOutlined, DeleteOutlined, LoadingOutlined } from "../icons";
import { lengthM } from "../format/geometry";
import { formatNumber } from "../format/value";
import { type Measurement, useMeasured } from "../state/measured";
import { useNotices } from "../state/notices";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import "../styles/measure.css";

type Language = ReturnType<typeof useWords>["language"];

function lengthText(metres: number, language: Language): string {
  return metres >= 10_000 ? `${formatNumber(metres / 1000, language, 3)} km` : `${formatNumber(metres, language, 2)} m`;
}

function areaText(squareMetres: number, language: Language): string {
  return squareMetres >= 1e6 ? `${formatNumber(squareMetres / 1e6, language, 4)} km²` : `${formatNumber(squareMetres, language, 1)} m²`;
}

function Row({ one }: { one: Measurement }) {
  const { t, language } = useWords();
  const { remove, ask } = useMeasured.getState();
  const { result, number, geometry } = one;
  const isArea = geometry.type === "Polygon";
  const values = result && [
    {
      how: "geodesic", note: t("measure.geodesicNote", { ellipsoid: result.ellipsoid }),
      length: result.geodesic_length_m, area: result.geodesic_area_m2,
    },
    { how: "grid", note: t("measure.gridNote", { srid: result.srid }), length: result.grid_length_m, area: result.grid_area_m2 },
  ];
  const copy = async () => {
    const lines = (values ?? []).map(({ note, length, area }) =>
      `${area !== null ? `${t("measure.area")} ${area.toFixed(2)} m²; ` : ""}${t(isArea ? "measure.perimeter" : "measure.length")} ${length.toFixed(3)} m (${note})`);
    await navigator.clipboard?.writeText(lines.join("\n"));
    useNotices.getState().tell({ kind: "done", text: t("measure.copied") }, 3);
  };
  return (
    <li data-number={number}>
      <div className="measure-head">
        <b>{number}</b>
        <span>{t(isArea ? "measure.area" : "measure.length")}</span>
        <Button type="text" disabled={!result} aria-label={t("measure.copy", { number })} title={t("measure.copy", { number })} onClick={() => void copy()}>
          <svg viewBox="0 0 24 24" width="15" height="15" fill="none" stroke="currentColor" strokeWidth="1.8" aria-hidden="true"><path d="M8 8h12v12H8zM16 8V4H4v12h4" /></svg>
        </Button>
        <Button type="text" icon={<DeleteOutlined />} aria-label={t("measure.remove", { number })} title={t("measure.remove", { number })} onClick={() => remove(number)} />
      </div>
      {one.failed && <p role="alert">{t("measure.failed")} <Button type="link" onClick={() => void ask(number)}>{t("common.retry")}</Button></p>}
      {!result && !one.failed && <p><LoadingOutlined /> {t("edit.working")}</p>}
      {values && (
        <dl>
          {values.map(({ how, note, length, area }) => (
            <div key={how} data-how={how}>
              <dt>{t(`measure.${how}` as "measure.grid")} <small>{note}</small></dt>
              {area !== null && <dd data-area={area}><strong>{areaText(area, language)}</strong></dd>}
              <dd data-length={length}>{area !== null ? <small>{t("measure.perimeter")} {lengthText(length, language)}</small> : <strong>{lengthText(length, language)}</strong>}</dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}

/** All measurements: on the ellipsoid and in the city's plane, each saying how it was measured. */
export default function MeasureList() {
  const { t, language } = useWords();
  const { done, drawing, clear } = useMeasured();
  return (
    <section className="measured" aria-label={t("measure.title")}>
      <header>
        <h2>{t("measure.title")}</h2>
        {done.length > 0 && <Button type="text" onClick={clear}>{t("measure.clear")}</Button>}
        <button type="button" className="quiet" aria-label={t("measure.close")} onClick={() => useView.getState().setTool("identify")}><CloseOutlined /></button>
      </header>
      <p role="status">
        {drawing.length > 1 ? <><strong>{lengthText(lengthM(drawing), language)}</strong> <small>{t("measure.preview")}</small></> : <small>{t("map.measureHint")}</small>}
      </p>
      {done.length > 0 && <ol aria-live="polite">{done.map((one) => <Row key={one.number} one={one} />)}</ol>}
    </section>
  );
}
