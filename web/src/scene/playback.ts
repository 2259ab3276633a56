/** Time in the scene: the bar waits until a day is drawn; what appears and vanishes in a step is told and coloured. */
import { type Cesium3DTileFeature, type CesiumWidget, Color } from "@cesium/engine";
import { useEffect, useMemo, useRef, useState } from "react";
import { toMs, today } from "../format/instant";
import { useClock } from "../state/clock";
import { useView } from "../state/view";
import { type Adornment, eachLoaded, type LoadedTile } from "./adorn";
import { whenDrawn } from "./settle";
import { useScene } from "./state";
import type { Standing } from "./tilesets";

const COLORS = { built: Color.fromCssColorString("#2f9e44"), ended: Color.fromCssColorString("#e03131").withAlpha(0.55), changed: Color.fromCssColorString("#f08c00") };

interface Step {
  after: number;
  until: number;
}

type Change = "built" | "ended" | "changed";

/** Tell what became of the features of some layers in a step, among what is loaded; a feature counts once. */
export function stepChanges(standing: Standing[], { after, until }: Step, backwards: boolean) {
  const counts = { built: 0, ended: 0, changed: 0 };
  const of = new Map<string, Map<number, Change>>();
  for (const { layer, tileset } of standing) {
    if (!tileset.show) continue;
    const found = new Map<number, { begins: boolean; ends: boolean }>();
    eachLoaded((tileset as unknown as { root?: LoadedTile }).root, (feature) => {
      const [from, to] = [feature.getProperty("valid_from") as number, feature.getProperty("valid_to") as number];
      const begins = from > after && from <= until;
      const ends = to > after && to <= until;
      if (!begins && !ends) return;
      const fid = feature.getProperty("fid") as number;
      const entry = found.get(fid) ?? { begins: false, ends: false };
      found.set(fid, { begins: entry.begins || begins, ends: entry.ends || ends });
    });
    const changes = new Map<number, Change>();
    for (const [fid, { begins, ends }] of found) {
      // Going back in time, what began vanishes; it is told as the map tells it, by what happened.
      const change: Change = begins && ends ? "changed" : begins ? "built" : "ended";
      counts[change] += 1;
      changes.set(fid, change);
    }
    of.set(layer.id, changes);
  }
  return { counts, of, backwards, after };
}

/** Let the scene follow the clock; returns how the tiles of a layer are adorned in this step. */
export function useScenePlayback(widget: CesiumWidget | null, standing: Standing[]): (layer: string) => Adornment[] {
  const day = useView((view) => view.time.day) ?? today();
  const span = useClock((clock) => clock.window);
  // Who sees nothing in three dimensions sees time go on all the same.
  const loading = useScene((scene) => scene.loading);
  const last = useRef(day);
  const [marked, setMarked] = useState<ReturnType<typeof stepChanges> | null>(null);

  useEffect(() => {
    if (!widget || (standing.length === 0 && loading)) return undefined;
    if (!span) {
      last.current = day;
      setMarked(null);
      return undefined;
    }
    const stopping = new AbortController();
    const [from, to] = [last.current, day].sort() as [string, string];
    void whenDrawn(widget, stopping.signal).then((isDrawn) => {
      if (!isDrawn) return;
      const found = stepChanges(standing, { after: toMs(from) / 1000, until: toMs(to) / 1000 }, day < last.current);
      last.current = day;
      setMarked(found);
      // Marks are drawn before the clock goes on.
      void whenDrawn(widget, stopping.signal).then((isMarked) => {
        if (isMarked) useClock.setState({ settled: day, counts: found.counts });
      });
    });
    return () => stopping.abort();
  }, [widget, standing, day, span, loading]);

  useEffect(() => {
    if (!widget) return undefined;
    const picture = () => {
      const { capture } = useClock.getState();
      if (!capture) return;
      useClock.setState({ capture: null });
      capture(widget.canvas);
    };
    // Within the frame: what was drawn is gone from memory when it is on the screen.
    const stop = widget.scene.postRender.addEventListener(picture) as () => void;
    const wake = useClock.subscribe(({ capture }, before) => {
      if (capture && capture !== before.capture) widget.scene.requestRender();
    });
    return () => {
      stop();
      wake();
    };
  }, [widget]);

  return useMemo(() => (layer: string) => {
    const changes = marked?.of.get(layer);
    if (!marked || !changes || changes.size === 0) return [];
    const changeOf = (feature: Cesium3DTileFeature) => changes.get(feature.getProperty("fid") as number);
    const now = toMs(day) / 1000;
    return [{
      // What vanished is seen once more, as a shadow of itself.
      also: (feature) => {
        if (marked.backwards || changeOf(feature) !== "ended") return false;
        const to = feature.getProperty("valid_to") as number;
        return to > marked.after && to <= now;
      },
      tint: (feature) => {
        const change = changeOf(feature);
        return change ? COLORS[change] : undefined;
      },
    } satisfies Adornment];
  }, [marked, day]);
}
