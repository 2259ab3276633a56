/** What is measured on the map: several lines and areas, each with what the server says of it. */
import type { Geometry, Position } from "geojson";
import { create } from "zustand";
import { type Measures, measureGeometry } from "../api/geometry";

export interface Measurement {
  number: number;
  geometry: Geometry;
  /** Null while the server computes it. */
  result: Measures | null;
  failed: boolean;
}

interface Measured {
  done: Measurement[];
  /** The line that is being drawn, with where the pointer is. */
  drawing: Position[];
  finish: (positions: Position[], closed: boolean) => void;
  ask: (number: number) => Promise<void>;
  remove: (number: number) => void;
  clear: () => void;
}

let numbers = 0;

export const useMeasured = create<Measured>()((set, get) => ({
  done: [],
  drawing: [],
  finish: (positions, closed) => {
    const geometry: Geometry = closed
      ? { type: "Polygon", coordinates: [[...positions, positions[0]!]] } : { type: "LineString", coordinates: positions };
    const number = (numbers += 1);
    set(({ done }) => ({ done: [...done, { number, geometry, result: null, failed: false }], drawing: [] }));
    void get().ask(number);
  },
  ask: async (number) => {
    const asked = get().done.find((one) => one.number === number);
    if (!asked) return;
    const put = (change: Partial<Measurement>) =>
      set(({ done }) => ({ done: done.map((one) => (one.number === number ? { ...one, ...change } : one)) }));
    put({ failed: false });
    try {
      put({ result: await measureGeometry(asked.geometry) });
    } catch {
      put({ failed: true });
    }
  },
  remove: (number) => set(({ done }) => ({ done: done.filter((one) => one.number !== number) })),
  clear: () => {
    numbers = 0;
    set({ done: [], drawing: [] });
  },
}));
