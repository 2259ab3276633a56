/** What lives in the scene over its tiles: filters, time that runs, housing units that are selected, projects that grow, flights. */
import { type Cesium3DTileFeature, type CesiumWidget, Color } from "@cesium/engine";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Layer } from "../api/types";
import type { Bounds } from "../format/geometry";
import { today } from "../format/instant";
import { useGrowth, useProgress } from "../state/construction";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";
import type { Adornment } from "./adorn";
import { grow, type Growing } from "./construction";
import { type Filtered, useSceneFilters } from "./filter";
import { useFlight } from "./flight";
import { partsOf } from "./picking";
import { useScenePlayback } from "./playback";
import { useScene } from "./state";
import { CHOSEN, type Standing } from "./tilesets";

declare global {
  interface Window {
    /** Set in test mode only. */
    __living?: { growing: () => ReturnType<Growing["seen"]> | null; filtered: () => Map<string, Filtered> };
  }
}

const CHOSEN_COLOR = Color.fromCssColorString(CHOSEN);
const NOBODY: Adornment[] = [];

/** Let the scene live; returns how the tiles of a layer are adorned. */
export function useLiving(widget: CesiumWidget | null, standing: Standing[], formed: Layer[], layers: Layer[], extent: Bounds | undefined): (layer: Layer) => Adornment[] {
  const filtered = useSceneFilters(widget, formed, extent);
  const timed = useScenePlayback(widget, standing);
  const growing = useGrowing(widget, layers);
  const selection = useView((view) => view.selection);
  useFlight(widget);
  useEffect(() => {
    useScene.setState({ filtered });
    if (window.__scene) window.__living = { growing: () => growing?.seen() ?? null, filtered: () => filtered };
  }, [filtered, growing, standing]);

  return useMemo(() => (layer: Layer) => {
    const unit = partsOf(layer, layers).unit?.id;
    const units = new Set(selection.filter((ref) => ref.layer === unit).map((ref) => ref.fid));
    const passes = filtered.get(layer.id)?.passes;
    const stands = layer.id === "building" ? growing?.fids : undefined;
    const own: Adornment[] = [];
    if (passes) own.push({ out: (feature) => !passes(feature) });
    if (stands && stands.size > 0) own.push({ out: (feature) => stands.has(Number(feature.getProperty("fid"))) });
    if (units.size > 0) own.push({ tint: (feature) => (holds(feature, units) ? CHOSEN_COLOR : undefined) });
    const steps = timed(layer.id);
    return own.length + steps.length > 0 ? [...own, ...steps] : NOBODY;
  }, [filtered, growing, selection, layers, timed]);
}

function holds(feature: Cesium3DTileFeature, units: Set<number>): boolean {
  const inside = (feature.getProperty("unit_fids") ?? []) as ArrayLike<number>;
  for (let i = 0; i < inside.length; i += 1) if (units.has(Number(inside[i]))) return true;
  return false;
}

/** Let the watched projects grow with the day. */
function useGrowing(widget: CesiumWidget | null, layers: Layer[]): Growing | null {
  const { t } = useWords();
  const growth = useGrowth().data;
  const watched = useView((view) => view.watch);
  const progress = useProgress().data;
  const day = useView((view) => view.time.day) ?? today();
  const [growing, setGrowing] = useState<Growing | null>(null);
  const building = layers.find((layer) => layer.id === "building");
  const level = building ? partsOf(building, layers).level?.id : undefined;
  const making = useRef<Growing | null>(null);
  useEffect(() => {
    if (!widget || !growth || !building || watched.length === 0) return undefined;
    const made = grow(widget, growth.projects.filter((project) => watched.includes(project.fid)), building.id, level);
    making.current = made;
    setGrowing(made);
    return () => {
      made.stop();
      if (making.current === made) setGrowing(null);
    };
  }, [widget, growth, building, level, watched]);
  useEffect(() => {
    if (!growing || !growth) return;
    const states = new Map((progress?.projects ?? []).map((project) => [project.fid, {
      state: project.state,
      text: `${project.label}\n${project.days && project.state !== "on_time" ? t(project.days > 0 ? "grow.daysAhead" : "grow.daysLate", { days: Math.abs(project.days) }) : t(`grow.state.${project.state}`)}`,
    }]));
    growing.show({ day, today: growth.today, states });
  }, [growing, growth, progress, day, t]);
  return watched.length > 0 ? growing : null;
}
