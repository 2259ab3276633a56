/** The projects whose construction is watched, and what the server says of them. */
import { useQuery } from "@tanstack/react-query";
import { create } from "zustand";
import { type ProgressState, readProgress } from "../api/progress";
import { addStep, today } from "../format/instant";
import { showDay, useClock } from "./clock";
import { useNotices } from "./notices";
import type { Words } from "./preferences";
import { client } from "./queries";
import { useLive } from "./refresh";
import { readerOf, useSession } from "./session";
import { useView } from "./view";

// The server takes 50; more than these one cannot follow.
export const MOST_WATCHED = 20;

/** What lead and lag look like; each is said in words as well. */
export const STATE_COLORS: Record<ProgressState, string> = { ahead: "#2f7fd1", on_time: "#3d9a5b", late: "#d9642a", unknown: "#8b939b" };
/** What should stand and does not: a colour that no state has. */
export const GHOST_COLOR = "#7a5cc4";
// More floors than these take seconds to be made.
export const MOST_FLOORS = 6000;

interface Construction {
  /** Of how many projects in view only the first are watched. */
  matched: number | null;
  busy: boolean;
}

export const useConstruction = create<Construction>()(() => ({ matched: null, busy: false }));

/** Watch some projects; none closes it. */
export function watch(fids: number[]): void {
  useConstruction.setState({ matched: null });
  useView.setState({ watch: fids.slice(0, MOST_WATCHED) });
}

/** Watch the projects in view, those being built first; returns how many there are. */
export async function watchInView(): Promise<number> {
  const { bounds, time } = useView.getState();
  if (!bounds) return 0;
  useConstruction.setState({ busy: true });
  try {
    const found = await readProgress({ bbox: bounds, datetime: time.day ?? undefined, knownAt: time.knownAt ?? undefined, limit: MOST_WATCHED });
    watch(found.projects.map((project) => project.fid));
    useConstruction.setState({ matched: found.matched });
    return found.matched;
  } finally {
    useConstruction.setState({ busy: false });
  }
}

/** Watch the projects in view; where there are none, or they cannot be asked for, say so. */
export function gather(t: Words): void {
  void watchInView().then((found) => {
    if (found === 0) useNotices.getState().tell({ kind: "fault", text: `${t("grow.none")} ${t("grow.noneHint")}` });
  }).catch(() => useNotices.getState().tell({ kind: "fault", text: t("error.0") }));
}

// A change of records expires what is read of them like everything else; these layers have a part in it.
const PARTS = ["project", "milestone", "building", "level"];
useLive.subscribe(({ touched }) => {
  if (!touched.some((layer) => PARTS.includes(layer))) return;
  void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === "progress" || queryKey[0] === "growth" });
});

/** The numbers of the shown day, for the watched projects. */
export function useProgress() {
  const { day, knownAt } = useView((view) => view.time);
  const fids = useView((view) => view.watch);
  const name = useSession(readerOf);
  const shown = day ?? today();
  return useQuery({
    queryKey: ["progress", "progress", fids, shown, knownAt, name],
    queryFn: ({ signal }) => readProgress({ project: fids, datetime: shown, knownAt: knownAt ?? undefined, limit: MOST_WATCHED }, signal),
    enabled: fids.length > 0,
    placeholderData: (previous) => previous,
  });
}

/** The buildings of the watched projects with the days of their floors: asked once, played for every day. */
export function useGrowth() {
  const knownAt = useView((view) => view.time.knownAt);
  const fids = useView((view) => view.watch);
  const name = useSession(readerOf);
  return useQuery({
    queryKey: ["growth", "progress", fids, knownAt, name],
    queryFn: ({ signal }) => readProgress({ project: fids, knownAt: knownAt ?? undefined, buildings: true, limit: MOST_WATCHED }, signal),
    enabled: fids.length > 0,
  });
}

/** Let time run from one day by months, with the time bar open. */
export function playFrom(day: string): void {
  useClock.setState({ open: true, step: "month", speed: 4, loop: false });
  useView.getState().setUntil(null);
  showDay(addStep(day, "day", 0));
  useClock.setState({ playing: true });
}
