import { address, askJson } from "./http";
import type { Properties } from "./types";

/** Open the personal fields of a feature; the reason is kept in the audit log. */
export function readPersonal(layer: string, fid: number, reason: string): Promise<Properties> {
  return askJson<{ properties: Properties }>(address("api/personal"), { method: "POST", body: { layer, fid, reason } })
    .then((answer) => answer.properties);
}
