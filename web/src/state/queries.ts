/** What panels read from the server. Every key begins with (kind, layer), so that a change expires what it touched. */
import { keepPreviousData, QueryClient, queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { readConfig } from "../api/config";
import { Problem } from "../api/http";
import { type Box, countItems, type Question, readItem, readPage, readVersions } from "../api/items";
import { search } from "../api/search";
import type { City, Config, Layer, LayerField } from "../api/types";
import { toCql2 } from "../format/condition";
import { takeConfig } from "./first";
import type { Ref } from "./link";
import { readerOf, useSession, useUserName } from "./session";
import { useView } from "./view";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 60_000,
      refetchOnWindowFocus: false,
      // What the server refuses it refuses again; only a lost connection is worth another try.
      retry: (failures, error) => failures < 2 && (!(error instanceof Problem) || error.status === 0 || error.status === 503),
    },
  },
});

const PAGE = 100;

/** Read the configuration of the reader who is signed in. */
export function useConfig() {
  const name = useSession(readerOf);
  const known = useSession((session) => session.known);
  return useQuery({
    queryKey: ["config", "", name],
    queryFn: ({ signal }) => takeConfig() ?? readConfig(signal),
    staleTime: Infinity,
    placeholderData: keepPreviousData,
    enabled: known,
  });
}

const NO_LAYERS: Layer[] = [];

export function useLayers(): Layer[] {
  return useConfig().data?.layers ?? NO_LAYERS;
}

export function useLayer(id: string | null | undefined): Layer | undefined {
  return useLayers().find((layer) => layer.id === id);
}

export function useCity(): City | undefined {
  return useConfig().data?.city;
}

export function useTimeZone(): string {
  return useCity()?.time_zone ?? "UTC";
}

/** Return the configuration outside of components, if it has been read. */
export function currentConfig(): Config | undefined {
  return client.getQueryData<Config>(["config", "", readerOf(useSession.getState())]);
}

/** Return the moment that everything on the screen is shown for. */
export function useWhen(): { datetime?: string; knownAt?: string } {
  const { day, knownAt } = useView((view) => view.time);
  return { datetime: day ?? undefined, knownAt: knownAt ?? undefined };
}

/** Return the question that the table of a layer asks: of an interval, every version that holds in it. */
export function useQuestion(layer: Layer | undefined, box: Box | null, properties?: string[]): Question | null {
  const { datetime: day, knownAt } = useWhen();
  const until = useView((view) => view.time.until);
  const when = { datetime: day && until ? `${day}/${until}` : day, knownAt };
  const conditions = useView((view) => (layer ? view.filters[layer.id] : undefined));
  const sort = useView((view) => (layer ? view.sort[layer.id] : undefined));
  if (!layer) return null;
  return {
    layer: layer.id, ...when, bbox: box, sort: sort ?? null, properties,
    filter: toCql2(conditions ?? [], layer.fields),
  };
}

/** Read the pages of a question, as far as the reader scrolls. */
export function usePages(question: Question | null) {
  return useInfiniteQuery({
    queryKey: ["pages", question?.layer, question],
    queryFn: ({ pageParam, signal }) => readPage(question!, { limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    enabled: question !== null,
    placeholderData: (previous, query) => (query?.queryKey[1] === question?.layer ? previous : undefined),
  });
}

/** Count what a question means. */
export function useCount(question: Question | null) {
  const { sort: _sort, properties: _properties, ...counted } = question ?? { layer: "" };
  return useQuery({
    queryKey: ["count", question?.layer, counted],
    queryFn: ({ signal }) => countItems(question!, signal),
    enabled: question !== null,
    placeholderData: (previous, query) => (query?.queryKey[1] === question?.layer ? previous : undefined),
  });
}

/** Return the moment that the selected feature is shown for: that of the pane it was chosen in, else that of all. */
export function useItemWhen(): { datetime?: string; knownAt?: string } {
  const when = useWhen();
  const asOf = useView((view) => view.asOf);
  return asOf === undefined ? when : { datetime: asOf ?? undefined, knownAt: when.knownAt };
}

/** Return the day that the selected feature is shown for; null is today. */
export function useShownDay(): string | null {
  return useView((view) => (view.asOf === undefined ? view.time.day : view.asOf));
}

/** How one feature is read as of a moment, for a reader. */
export function itemQuery(ref: Ref | null | undefined, when: { datetime?: string; knownAt?: string }, name: string) {
  return queryOptions({
    queryKey: ["item", ref?.layer, ref?.fid, when, name],
    queryFn: ({ signal }) => readItem(ref!.layer, ref!.fid, when, signal),
  });
}

/** Read one feature as of the moment it is shown for. */
export function useItem(ref: Ref | null | undefined) {
  return useQuery({ ...itemQuery(ref, useItemWhen(), useUserName()), enabled: Boolean(ref) });
}

/** Read the features of a layer that refer to a feature, the first few and their number. */
export function useChildren(layer: Layer, field: LayerField, fid: number) {
  const when = useWhen();
  const filter = toCql2([{ field: field.name, op: "=", value: fid }], layer.fields);
  const question: Question = { layer: layer.id, ...when, filter };
  return useQuery({
    queryKey: ["children", layer.id, field.name, fid, when],
    queryFn: async ({ signal }) => {
      const page = await readPage(question, { limit: 8 }, signal);
      const count = page.next ? await countItems(question, signal) : page.features.length;
      return { items: page.features, count };
    },
  });
}

/** Read all versions of a feature. */
export function useVersions(ref: Ref) {
  return useQuery({
    queryKey: ["versions", ref.layer, ref.fid],
    queryFn: ({ signal }) => readVersions(ref.layer, ref.fid, signal),
  });
}

/** Search as the reader types. */
export function useSearch(text: string) {
  const { datetime } = useWhen();
  return useQuery({
    queryKey: ["search", "", text, datetime],
    queryFn: ({ signal }) => {
      const { camera } = useView.getState();
      // Among equals, what one looks at comes first.
      const near = camera ? `${camera.lon.toFixed(3)},${camera.lat.toFixed(3)}` : undefined;
      return search(text, { limit: 12, datetime, near }, signal);
    },
    enabled: text.length > 0,
    placeholderData: (previous) => (text ? previous : undefined),
  });
}
