/** The search in the catalogue of layers, which the server answers: by words, and by what lies in view. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { findRecords } from "../api/records";
import { readerOf, useSession } from "./session";
import { useView } from "./view";

/** Return the layers whose records answer to some words, and those with something in view; null where that was not asked, or is not known yet. */
export function useCatalogue(text: string, inView: boolean): { words: Set<string> | null; here: Set<string> | null } {
  const reader = useSession(readerOf);
  const words = useDeferredValue(text.trim());
  const bounds = useView((view) => (inView ? view.bounds : null));
  const box = bounds?.map((value) => value.toFixed(3)).join(",");
  const told = useQuery({ queryKey: ["records", "", reader, words], queryFn: ({ signal }) => findRecords({ q: words.replaceAll(",", " ") }, signal), enabled: words !== "" });
  const here = useQuery({
    queryKey: ["records", "", reader, "in", box], queryFn: ({ signal }) => findRecords({ bbox: box! }, signal), enabled: box !== undefined,
    placeholderData: (previous) => (inView ? previous : undefined),
  });
  return { words: (words && told.data) || null, here: (inView && here.data) || null };
}
