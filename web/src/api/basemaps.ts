import { address, askJson } from "./http";
import type { Text } from "./types";

/** A picture, or a model of the ground, and since when and until when it stands for the city (null: open). */
export interface GroundSpan {
  valid_from: string | null;
  valid_to: string | null;
  bounds: [number, number, number, number];
  attribution: string | null;
}

export interface ImagerySource {
  layer: string;
  title: Text;
  tiles: string;
  tile_size: number;
  max_zoom: number;
  bounds: [number, number, number, number];
  attribution: string;
  spans: GroundSpan[];
}

export interface TerrainSource extends ImagerySource {
  encoding: "terrarium" | "mapbox";
  hillshade: string;
  contours: string;
  contours_from_zoom: number;
  mesh: string;
}

export interface Basemaps {
  imagery: ImagerySource[];
  terrain: TerrainSource[];
}

/** Read which imagery and terrain the reader may lay under the map, of all days. */
export function readBasemaps(signal?: AbortSignal): Promise<Basemaps> {
  return askJson(address("api/basemaps"), { signal });
}
