/** What lies under the map: paper, a picture from the air, or the shape of the ground. */
import { useQuery } from "@tanstack/react-query";
import { type Basemaps, type GroundSpan, type ImagerySource, readBasemaps, type TerrainSource } from "../api/basemaps";
import { epochOf, spansAt } from "../format/spans";
import { useSession } from "./session";
import { useView } from "./view";

export type Ground = "paper" | "imagery" | "terrain";
export const GROUNDS: Ground[] = ["paper", "imagery", "terrain"];

const NONE: Basemaps = { imagery: [], terrain: [] };

/** Return what the reader may lay under the map. */
export function useBasemaps(): Basemaps {
  const name = useSession((session) => session.account?.username ?? "");
  return useQuery({ queryKey: ["basemaps", "", name], queryFn: ({ signal }) => readBasemaps(signal), staleTime: 5 * 60_000 }).data ?? NONE;
}

export interface Laid {
  ground: Ground;
  imagery: ImagerySource | null;
  terrain: TerrainSource | null;
  /** The pictures (or models) that stand for the day, the topmost first. */
  shown: GroundSpan[];
  /** What is added to addresses of tiles, so that they show the day. */
  asked: string;
}

/** Return what lies under the map, or under a side of a comparison, on the day that it shows. A ground that the reader may not see is paper. */
export function useGround(side?: { day: string | null; ground: Ground | null }): Laid {
  const { imagery: [imagery = null], terrain: [terrain = null] } = useBasemaps();
  const main = useView((view) => view.ground);
  const wished = side?.ground ?? main;
  const { day: shownDay, knownAt } = useView((view) => view.time);
  const day = side ? side.day : shownDay;
  const source = wished === "imagery" ? imagery : wished === "terrain" ? terrain : null;
  const moment = day ?? new Date().toISOString().slice(0, 10);
  const spans = source?.spans ?? [];
  const asked = new URLSearchParams();
  // Days between two changes ask for the same tiles. Before the first change any early day will do.
  if (day || spans.length > 1) asked.set("datetime", epochOf(spans, moment) ?? "0001-01-01");
  if (knownAt) asked.set("known-at", knownAt);
  return { ground: source ? wished : "paper", imagery, terrain, shown: spansAt(spans, moment), asked: asked.toString() };
}
