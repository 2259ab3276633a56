import Button from "antd/es/button";
import Input from "antd/es/input";
import Select from "antd/es/select";
import type { Geometry, Position } from "geojson";
import { useEffect, useState } from "react";
import { toSystem } from "../../api/geometry";
import { boundsOf } from "../../format/geometry";
import { firstPositions, readPositions, withPositions } from "../../format/positions";
import { shapeOf } from "../../format/parts";
import { type Draft, useDraft } from "../../state/draft";
import { operate } from "../../state/operations";
import { useWords } from "../../state/preferences";
import { useCity } from "../../state/queries";
import { useView } from "../../state/view";
import { useErrorText } from "../PanelState";

const CRS84 = 4326;
const FEWEST = { point: 1, linestring: 2, polygon: 3 } as const;

/** Coordinates by keyboard, in the city's systems: for who has them from a survey, or cannot or need not point. */
export function CoordinateList({ draft }: { draft: Draft }) {
  const { t } = useWords();
  const city = useCity();
  const textOf = useErrorText();
  const [srid, setSrid] = useState(city?.storage_srid ?? CRS84);
  const [text, setText] = useState("");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const shape = shapeOf(draft.layer.geometry ?? "Geometry");
  // A cut has a line of its own: who cannot draw it types it.
  const isTool = draft.sketch === "split" || draft.sketch === "reshape";
  const fewest = isTool ? 2 : FEWEST[shape];
  const projected = srid === city?.projected_srid;

  // What is on the map is what the list says, until somebody types.
  useEffect(() => {
    let current = true;
    setFault("");
    if (isTool) {
      setText("");
      return undefined;
    }
    toSystem(firstPositions(draft.geometry), CRS84, srid)
      .then((positions) => current && setText(positions.map(([x, y]) => `${x!.toFixed(projected ? 3 : 8)}, ${y!.toFixed(projected ? 3 : 8)}`).join("\n")))
      .catch((error: unknown) => current && setFault(textOf(error)));
    return () => { current = false; };
  }, [draft.geometry, srid, isTool]);

  const apply = async () => {
    const read = readPositions(text);
    if (typeof read === "number") return setFault(t("edit.positionsLine", { line: read }));
    if (read.length < fewest) return setFault(t("edit.positionsFew", { count: fewest }));
    setBusy(true);
    try {
      const degrees: Position[] = await toSystem(read, srid, CRS84);
      if (isTool) return await operate({ type: "LineString", coordinates: degrees });
      const geometry: Geometry = withPositions(draft.geometry, degrees, draft.layer.geometry ?? "Geometry");
      useDraft.getState().setGeometry(geometry);
      useDraft.getState().change({ sketch: "change" });
      const bounds = boundsOf([geometry]);
      if (bounds) useView.getState().fly(shape === "point" ? { center: [bounds[0], bounds[1]] } : { bounds });
      setFault("");
    } catch (error) {
      setFault(textOf(error));
    } finally {
      setBusy(false);
    }
    return undefined;
  };
  if (!city) return null;
  return (
    <div className="coordinate-list">
      <label>
        {t("edit.positionsSystem")}
        <Select aria-label={t("edit.positionsSystem")} value={srid} onChange={setSrid} options={[
          { value: city.storage_srid, label: t("edit.positionsDegrees", { srid: city.storage_srid }) },
          { value: city.projected_srid, label: t("edit.positionsMetres", { srid: city.projected_srid }) },
        ]} />
      </label>
      <Input.TextArea aria-label={t("edit.positions")} value={text} autoSize={{ minRows: shape === "point" ? 1 : 4, maxRows: 9 }} spellCheck={false}
        status={fault ? "error" : undefined} onChange={(event) => setText(event.target.value)} />
      <p className="form-note">{t(isTool ? "edit.positionsTool" : "edit.positionsHint")}</p>
      {fault && <p className="form-fault" role="alert">{fault}</p>}
      <Button loading={busy} onClick={() => void apply()}>{t("edit.positionsApply")}</Button>
    </div>
  );
}
