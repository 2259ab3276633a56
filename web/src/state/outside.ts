/** Layers of other services in the view: which, in which order, what is wrong with them, and what they told of a point. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { create } from "zustand";
import { Problem } from "../api/http";
import { type OutsideLayer, readKeptOutside, readOutside } from "../api/outside";
import { usePreferences, write } from "./preferences";
import { readerOf, useSession } from "./session";
import { useView } from "./view";

/** Stands in the order for the city's own layers: what is named before it lies over them. */
export const CITY = "city";

export interface OutsideAnswer {
  id: string;
  title: string;
  features: Record<string, unknown>[];
  text: string;
  fault: string;
  busy: boolean;
}

interface OutsideState {
  /** Is the dialog open in which layers are added? */
  adding: boolean;
  /** What the server said when a layer's tiles or features did not come. */
  faults: Record<string, string>;
  /** Layers of features that show only some of what lies in view. */
  partial: Record<string, boolean>;
  /** What the layers told of the last clicked point. */
  answers: OutsideAnswer[];
  setFault: (id: string, text: string | null) => void;
  setPartial: (id: string, partial: boolean) => void;
}

export const useOutside = create<OutsideState>()((set) => ({
  adding: false,
  faults: {},
  partial: {},
  answers: [],
  setFault: (id, text) => set((state) => {
    if ((state.faults[id] ?? null) === text) return state;
    const { [id]: _, ...others } = state.faults;
    return { faults: text === null ? others : { ...others, [id]: text } };
  }),
  setPartial: (id, partial) => set((state) => ((state.partial[id] ?? false) === partial ? state : { partial: { ...state.partial, [id]: partial } })),
}));

/** Return what a reader is told of a fault: the server's own sentence, which names the host and what to do, else ours. */
export function saidOf(error: unknown): string {
  if (error instanceof Problem && error.members.detail) return error.message;
  if (!(error instanceof Problem)) return write(usePreferences.getState().language, "error.page");
  const known = ([0, 401, 403, 404] as const).find((status) => status === error.status) ?? 500;
  return write(usePreferences.getState().language, `error.${known}`);
}

/** What the map tells of a tile that did not come; a picture that cannot be read has no status. */
export type TileError = Error & { status?: number; body?: Blob };

/** Return what a reader is told of it: of what stands between the server and the page the answer may have any form. */
export async function saidOfTile(error: TileError | undefined): Promise<string> {
  if (error?.status === undefined) return saidOf(error);
  const members = await Promise.resolve(error.body?.text()).then((text) => ({ ...(JSON.parse(text ?? "{}") as Record<string, unknown>) })).catch(() => ({}));
  return saidOf(new Problem(error.status, members));
}

/** Return the names of the layers in view, from the top down, with CITY where the city's own lie. */
export function orderOf(outside: string[]): string[] {
  return outside.includes(CITY) || outside.length === 0 ? outside : [CITY, ...outside];
}

/** Is a layer shown: as a pane has chosen, else as the main map shows it? */
export function isOutsideShown(id: string, shown: Record<string, boolean>, chosen: string[] | null = null): boolean {
  return chosen ? chosen.includes(id) : shown[id] ?? true;
}

/** Put layers on the map: pictures without gaps under the city, all others over it. */
export function putOutside(layers: OutsideLayer[]): void {
  const { work, setWork, show } = useView.getState();
  const before = orderOf(work.outside);
  const fresh = layers.filter((layer) => !before.includes(layer.id));
  const [over, under] = [fresh.filter((layer) => !layer.opaque), fresh.filter((layer) => layer.opaque)];
  const rest = before.length > 0 ? before : [CITY];
  const at = rest.indexOf(CITY) + 1;
  setWork({ outside: [...over.map(({ id }) => id), ...rest.slice(0, at), ...under.map(({ id }) => id), ...rest.slice(at)] });
  show(layers.map((layer) => layer.id), true);
}

/** Take a layer from the map. */
export function dropOutside(id: string): void {
  const { work, layers, setWork } = useView.getState();
  const left = work.outside.filter((other) => other !== id);
  setWork({ outside: left.every((other) => other === CITY) ? [] : left });
  const { [id]: _shown, ...shown } = layers.shown;
  const { [id]: _opacity, ...opacity } = layers.opacity;
  useView.setState({ layers: { ...layers, shown, opacity } });
  useOutside.getState().setFault(id, null);
}

/** Move a layer one place up (-1) or down (1), also past the city's own layers. */
export function moveOutside(id: string, step: -1 | 1): void {
  const { work, setWork } = useView.getState();
  const order = [...orderOf(work.outside)];
  const at = order.indexOf(id);
  const to = at + step;
  if (at < 0 || to < 0 || to >= order.length) return;
  [order[at], order[to]] = [order[to]!, order[at]!];
  setWork({ outside: order });
}

const NONE: string[] = [];

/** Read the descriptions of the layers in view, in their order; what a reader may not see has none. */
export function useOutsideLayers(): { id: string; layer: OutsideLayer | undefined; error: unknown }[] {
  const outside = useView((view) => view.work.outside) ?? NONE;
  const reader = useSession(readerOf);
  const known = useSession((session) => session.known);
  const ids = outside.filter((id) => id !== CITY);
  const read = useQueries({ queries: ids.map((id) => ({
    queryKey: ["outside", id, reader], queryFn: ({ signal }: { signal: AbortSignal }) => readOutside(id, signal), staleTime: 5 * 60_000, enabled: known,
  })) });
  return ids.map((id, index) => ({ id, layer: read[index]!.data, error: read[index]!.error }));
}

/** Read the layers that one keeps. */
export function useKeptOutside(enabled: boolean) {
  const reader = useSession(readerOf);
  return useQuery({ queryKey: ["outside-kept", "", reader], queryFn: ({ signal }) => readKeptOutside(signal), enabled, staleTime: 0 });
}
