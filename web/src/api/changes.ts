import { address, noteSeq, seenSeq } from "./http";
import type { ChangeEvent } from "./types";

/** Listen to what changes in the city; returns how to stop. `state` is told when the line is up or down. */
export function listenToChanges(
  heard: (event: ChangeEvent) => void, state: (open: boolean) => void,
): () => void {
  // When the line breaks, the browser asks again from the last event it heard; before the first, from here.
  const source = new EventSource(address("api/changes/stream", { since: seenSeq() || undefined }));
  const take = (message: MessageEvent<string>) => {
    const event = JSON.parse(message.data) as ChangeEvent;
    noteSeq(event.seq);
    heard(event);
  };
  source.addEventListener("change", take);
  source.onopen = () => state(true);
  source.onerror = () => state(false);
  return () => source.close();
}
