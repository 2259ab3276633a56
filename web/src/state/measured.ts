import { create } from "zustand";

/** What is being measured on the map, on the sphere. */
export const useMeasured = create<{ lengthM: number; areaM2: number | null }>()(() => ({ lengthM: 0, areaM2: null }));
