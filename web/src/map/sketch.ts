/** Draw and change the geometry of the draft. Loaded when somebody edits. */
import type { Map as MapLibre } from "maplibre-gl";
import {
  TerraDraw, TerraDrawLineStringMode, TerraDrawModeUndoRedo, TerraDrawPointMode, TerraDrawPolygonMode, TerraDrawSelectMode,
  type GeoJSONStoreFeatures,
} from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import type { Geometry, Position } from "geojson";
import { type Part, putTogether, shapeOf, takeApart } from "../format/parts";
import { type Sketch, useDraft } from "../state/draft";
import { operate } from "../state/operations";
import { watchSnapping } from "./snapping";

const INK = "#e8590c";
// Nine decimals of a degree are a tenth of a millimetre; drawing refuses more.
const DECIMALS = 9;

function rounded(geometry: Part["geometry"]): Part["geometry"] {
  const round = (value: unknown): unknown =>
    (Array.isArray(value) ? value.map(round) : Number((value as number).toFixed(DECIMALS)));
  return { ...geometry, coordinates: round(geometry.coordinates) } as Part["geometry"];
}

// What is drawn for an operation on the geometry that is there.
const TOOLS: Partial<Record<Sketch, string>> = { split: "linestring", reshape: "linestring", hole: "polygon", fill: "point" };

function modesFor(toCustom: (event: { lng: number; lat: number }) => Position | undefined, shape: ReturnType<typeof shapeOf>) {
  const vertex = {
    selectionPointColor: "#ffffff", selectionPointOutlineColor: INK, selectionPointWidth: 6, selectionPointOutlineWidth: 2.5,
    midPointColor: INK, midPointOutlineColor: "#ffffff", midPointWidth: 4,
    selectedPolygonColor: INK, selectedPolygonFillOpacity: 0.18, selectedPolygonOutlineColor: INK, selectedPolygonOutlineWidth: 2.5,
    selectedLineStringColor: INK, selectedLineStringWidth: 3.5, selectedPointColor: INK, selectedPointWidth: 8,
  } as const;
  const flags = {
    feature: {
      draggable: shape === "point",
      coordinates: { draggable: true, deletable: true, midpoints: true, snappable: { toCustom } },
    },
  };
  return [
    new TerraDrawSelectMode({ flags: { [shape]: flags }, styles: vertex, allowManualDeselection: false }),
    new TerraDrawPolygonMode({
      snapping: { toCustom },
      styles: { fillColor: INK, fillOpacity: 0.18, outlineColor: INK, outlineWidth: 2.5, closingPointColor: "#ffffff", closingPointOutlineColor: INK },
    }),
    new TerraDrawLineStringMode({ snapping: { toCustom }, styles: { lineStringColor: INK, lineStringWidth: 3.5 } }),
    new TerraDrawPointMode({ styles: { pointColor: INK, pointWidth: 8, pointOutlineColor: "#ffffff", pointOutlineWidth: 2 } }),
  ];
}

/** Let the draft's geometry be drawn on the map; returns how to stop. */
export function startSketching(map: MapLibre): () => void {
  const first = useDraft.getState().draft;
  if (!first?.layer.geometry) return () => undefined;
  const type = first.layer.geometry;
  const shape = shapeOf(type);
  const snapping = watchSnapping(map, first.layer.id, first.fid);
  const draw = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: DECIMALS }),
    modes: modesFor(snapping.at, shape),
    undoRedo: { modeLevel: new TerraDrawModeUndoRedo() },
  });
  let shown: Geometry | null | undefined;
  let mode = "";

  const read = (): Geometry | null => {
    const parts = draw.getSnapshot()
      .filter((feature) => feature.properties.mode === shape && !feature.properties.currentlyDrawing)
      .map((feature, index): Part => ({
        geometry: feature.geometry as Part["geometry"],
        part: Number(feature.properties.part ?? 1000 + index), hole: feature.properties.hole === true,
      }));
    return putTogether(parts, type);
  };
  const show = (geometry: Geometry | null) => {
    shown = geometry;
    draw.clear();
    if (!geometry) return;
    draw.addFeatures(takeApart(geometry).map((part) => ({
      type: "Feature", geometry: rounded(part.geometry), properties: { mode: shape, part: part.part, hole: part.hole },
    } as GeoJSONStoreFeatures)));
  };
  const setMode = (wanted: string) => {
    mode = wanted;
    draw.setMode(wanted);
    if (wanted !== "select") return;
    const feature = draw.getSnapshot().find((candidate) => candidate.properties.mode === shape);
    if (feature?.id !== undefined) draw.selectFeature(feature.id);
  };
  const follow = () => {
    const draft = useDraft.getState().draft;
    if (!draft || draft.sketch === "off") return;
    const wanted = TOOLS[draft.sketch] ?? (draft.sketch === "draw" ? shape : "select");
    if (draft.geometry !== shown) {
      show(draft.geometry);
      setMode(wanted);
    } else if (wanted !== mode) setMode(wanted);
  };

  draw.start();
  draw.on("finish", (id, context) => {
    const draft = useDraft.getState().draft;
    if (!draft) return;
    if (TOOLS[draft.sketch]) {
      const drawn = draw.getSnapshotFeature(id)?.geometry as Geometry | undefined;
      // The line of a cut is a tool, no part of the feature.
      draw.removeFeatures([id]);
      if (drawn) void operate(drawn);
      return;
    }
    const geometry = read();
    shown = geometry;
    useDraft.getState().setGeometry(geometry);
    if (context.action === "draw") useDraft.getState().change({ sketch: "change" });
  });
  draw.on("change", (_ids, kind) => {
    // A vertex deleted by the right button is a change without an end of its own.
    if (kind !== "update" || mode !== "select") return;
    queueMicrotask(() => {
      const geometry = read();
      const before = shown ? JSON.stringify(shown).length : 0;
      if (geometry && JSON.stringify(geometry).length < before - 20 && !map.dragPan.isActive()) {
        shown = geometry;
        useDraft.getState().setGeometry(geometry);
      }
    });
  });
  follow();
  const unsubscribe = useDraft.subscribe(follow);
  // While a shape is not finished, a step back is one vertex; after that, one change of the geometry.
  const isDrawing = () => mode !== "select" && draw.getModeState() === "drawing";
  useDraft.setState({ hand: { undo: () => isDrawing() && draw.undo(), redo: () => isDrawing() && draw.redo() } });
  return () => {
    useDraft.setState({ hand: null });
    unsubscribe();
    snapping.stop();
    draw.stop();
  };
}
