import {
  AimOutlined, ArrowLeftOutlined, ArrowRightOutlined, BlockOutlined, ColumnWidthOutlined, HighlightOutlined, MinusOutlined, PlusOutlined, PrinterOutlined, SplitCellsOutlined,
} from "../icons";
import type { Map as MapLibre } from "maplibre-gl";
import { type ReactNode, useEffect, useState } from "react";
import type { City } from "../api/types";
import { gather, useConstruction, watch } from "../state/construction";
import { goBack, goForth, useJourney } from "../state/kept";
import { useWords } from "../state/preferences";
import { useLayer } from "../state/queries";
import { useSheet } from "../state/sheet";
import { PLAIN_SIDE } from "../state/sides";
import { useView } from "../state/view";

// One sees at once that the other side is another city.
const COMPARED_DAY = "2000-01-01";
import { Grounds } from "./Grounds";

interface ToolButton {
  name: string;
  icon: ReactNode;
  pressed?: boolean;
  off?: boolean;
  act: () => void;
}

function Button({ name, icon, pressed, off, act }: ToolButton) {
  return (
    <button type="button" className="map-button" aria-label={name} title={name} aria-pressed={pressed} disabled={off} onClick={act}>
      {icon}
    </button>
  );
}

/** The needle of a compass, turned with the map. */
function Needle({ bearing, pitch }: { bearing: number; pitch: number }) {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"
      style={{ transform: `rotateX(${pitch * 0.7}deg) rotateZ(${-bearing}deg)` }}>
      <path d="M12 2 16 12H8z" fill="#d9480f" />
      <path d="M12 22 8 12h8z" fill="currentColor" opacity="0.45" />
    </svg>
  );
}

/** Floors that rise. */
function Rising() {
  return (
    <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" fill="currentColor">
      <path d="M3 21V15h5v6zM9.5 21V10h5v11z" />
      <path d="M16.5 20.5v-16h4v16z" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.5 2" />
    </svg>
  );
}

/** Buttons at the edge of the map. */
export function Controls({ map, city }: { map: MapLibre; city: City }) {
  const { t } = useWords();
  const [turn, setTurn] = useState({ bearing: map.getBearing(), pitch: map.getPitch() });
  const steps = useJourney();
  const relief = useView((view) => view.layers.relief);
  const tool = useView((view) => view.tool);
  const compare = useView((view) => view.compare);
  const printing = useSheet((sheet) => sheet.open);
  const builds = useLayer("project") !== undefined;
  const watching = useView((view) => view.watch.length > 0);
  const gathering = useConstruction((construction) => construction.busy);
  const plots = useLayer("annotation")?.edit ?? false;

  useEffect(() => {
    const turned = () => setTurn({ bearing: map.getBearing(), pitch: map.getPitch() });
    map.on("rotate", turned);
    map.on("pitch", turned);
    return () => {
      map.off("rotate", turned);
      map.off("pitch", turned);
    };
  }, [map]);

  const toggleRelief = () => {
    useView.getState().setRelief(!relief);
    map.easeTo(relief ? { pitch: 0, bearing: 0 } : { pitch: 55, bearing: -20, zoom: Math.max(map.getZoom(), 15) });
  };
  return (
    <div className="map-controls" role="toolbar" aria-label={t("map.label")}>
      <div className="map-buttons">
        <Button name={t("map.zoomIn")} icon={<PlusOutlined />} act={() => map.zoomIn()} />
        <Button name={t("map.zoomOut")} icon={<MinusOutlined />} act={() => map.zoomOut()} />
      </div>
      <div className="map-buttons">
        <Button name={t("map.north")} icon={<Needle {...turn} />} act={() => map.easeTo({ bearing: 0, pitch: 0 })} />
        <Button name={t("map.home")} icon={<AimOutlined />} act={() => useView.getState().fly({ bounds: city.extent })} />
      </div>
      <div className="map-buttons">
        <Button name={t("views.back")} icon={<ArrowLeftOutlined />} off={steps.past.length === 0} act={goBack} />
        <Button name={t("views.forth")} icon={<ArrowRightOutlined />} off={steps.future.length === 0} act={goForth} />
      </div>
      <Grounds />
      <div className="map-buttons">
        <Button name={t("map.extrude")} icon={<BlockOutlined />} pressed={relief} act={toggleRelief} />
        {builds && (
          <Button name={t("grow.inView")} icon={<Rising />} pressed={watching} off={gathering} act={() => (watching ? watch([]) : gather(t))} />
        )}
        <Button name={t(compare ? "compare.close" : "compare.open")} icon={<SplitCellsOutlined />} pressed={compare !== null}
          act={() => useView.getState().setCompare(compare ? null : { mode: "swipe", sides: [{ ...PLAIN_SIDE, day: COMPARED_DAY }], linked: true, at: 0.5 })} />
        <Button name={t("print.open")} icon={<PrinterOutlined />} pressed={printing} act={() => useSheet.setState({ open: !printing, frame: null })} />
        <Button name={t("map.measure")} icon={<ColumnWidthOutlined />} pressed={tool === "measure"}
          act={() => useView.getState().setTool(tool === "measure" ? "identify" : "measure")} />
        {plots && (
          <Button name={t("plot.open")} icon={<HighlightOutlined />} pressed={tool === "plot"}
            act={() => useView.getState().setTool(tool === "plot" ? "identify" : "plot")} />
        )}
      </div>
    </div>
  );
}
