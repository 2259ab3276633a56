import { useEffect, useState } from "react";
import type { Layer } from "../api/types";
import { partsOf } from "./picking";

/** Count the changes of some layers, and of their floors, units and surfaces, that this browser has heard of. */
export function useRevision(formed: Layer[], layers: Layer[], touched: string[]): number {
  const [revision, setRevision] = useState(0);
  useEffect(() => {
    const parts = formed.flatMap((layer) => [layer, ...Object.values(partsOf(layer, layers))]);
    if (parts.some((layer) => layer && touched.includes(layer.id))) setRevision((now) => now + 1);
  }, [touched]);
  return revision;
}
