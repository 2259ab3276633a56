import { address, askJson, noteSeq } from "./http";
import type { Config } from "./types";

/** Read the city and the layers that the reader may see. */
export async function readConfig(signal?: AbortSignal): Promise<Config> {
  const config = await askJson<Config>(address("api/config"), { signal });
  noteSeq(config.seq ?? 0);
  return config;
}
