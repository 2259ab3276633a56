/** What the processes of the server answer, as far as the scene shows it. Elevations are metres over the city's datum. */
import type { MultiPolygon } from "geojson";
import type { Text } from "../../api/types";

export interface Named {
  layer?: string;
  fid?: number;
  label?: string | null;
}

interface Standing {
  lon: number;
  lat: number;
  elevation_m: number;
  eye_elevation_m: number;
  stands_on: string;
}

interface Constant {
  title: Text;
  value: number;
  is_verified: boolean;
}

/** How many solids took part by their surveyed surfaces, and how many as prisms. */
interface Shapes {
  surfaces?: number;
  prisms?: number;
  surfaces_left_out?: number;
}

interface Frame {
  datetime: string | null;
  terrain: { layer: string | null; cell_m?: number; level_m?: number };
  solids?: Shapes & { count: number; unknown_heights?: number };
  curvature?: boolean;
  refraction?: Constant;
}

export interface Obstruction extends Named {
  kind: "ground" | "feature";
  lon: number;
  lat: number;
  elevation_m: number;
  distance_m: number;
  above_line_m: number;
}

export interface Target extends Standing {
  visible: boolean;
  level_m: number;
  slant_m: number;
  obstruction: Obstruction | null;
  obstruction_count: number;
  raise_m: number | null;
}

export interface SightlineResult extends Frame {
  observer: Standing;
  targets: Target[];
  visible: number;
}

export interface ViewshedResult extends Frame {
  observer: Standing;
  radius_m: number;
  cell_m: number;
  looked_m2: number;
  visible_m2: number;
  hidden_m2: number;
  visible_share: number | null;
  visible_ground_m2: number;
  visible_solids: number;
  features: (Named & { distance_m: number })[];
  visible: MultiPolygon;
  hidden: MultiPolygon;
}

export interface Ray extends Named {
  azimuth_deg: number;
  angle_deg: number;
  distance_m?: number;
  elevation_m?: number;
  lon?: number;
  lat?: number;
}

export interface Openness {
  sky_view_factor: number;
  sky_share: number;
  openness_deg: number;
  highest_deg: number;
  highest_azimuth_deg: number;
  profile: Ray[];
}

export interface SkylineResult extends Frame, Openness {
  observer: Standing;
  compared?: Openness & { datetime: string; changed_share: number; largest_change_deg: number; largest_change_azimuth_deg: number };
}

export interface Storey {
  label: string;
  bottom_m: number;
  top_m: number;
  fid: number | null;
  is_recorded: boolean;
}

export interface Cut extends Named {
  from_m: number;
  to_m: number;
  base_elevation_m: number;
  top_elevation_m: number;
  height_m: number;
  is_height_known: boolean;
  floors_above: number | null;
  floors_below: number | null;
  shape: "surfaces" | "prism";
  /** The outline of the roof over the line: metres along it, elevation. */
  roof: [number, number][];
  storeys: Storey[];
  storey_basis: "recorded" | "partly" | "assumed" | null;
}

export interface PipeCrossing extends Named {
  distance_m: number;
  to_m: number;
  kind: string | null;
  size_m: number | null;
  elevation_m: number | null;
  depth_m: number | null;
  ground_elevation_m: number | null;
  angle_deg: number;
}

export interface SectionResult extends Frame {
  length_m: number;
  step_m: number;
  line: [number, number, number][];
  ground: [number, number | null][];
  lowest_m: number | null;
  highest_m: number | null;
  cuts: Cut[];
  pipes: PipeCrossing[];
}

export interface PitPipe extends Named {
  is_met: boolean | null;
  over_floor_m: number | null;
  least_depth_m: number | null;
  length_m: number;
}

export interface EarthworkResult extends Frame {
  area_m2: number;
  perimeter_m: number;
  surface_m2: number;
  lowest_m: number | null;
  highest_m: number | null;
  mean_m: number | null;
  cell_m: number;
  level_m?: number | null;
  mean_depth_m?: number;
  cut_m3?: number;
  fill_m3?: number;
  pipes?: PitPipe[];
  pipe_count?: number;
  pipes_met?: number;
  pipes_unknown?: number;
  features?: (Named & { overlap_m2: number })[];
  feature_count?: number;
}

export interface VolumeResult extends Shapes {
  layer: string;
  count: number;
  footprint_m2: number;
  volume_m3: number;
  unknown_heights: number;
  features: { fid: number; label: string | null; footprint_m2: number; height_m: number | null; volume_m3: number | null; shape: "surfaces" | "prism" | null }[];
}

export type Result =
  | { tool: "sightline"; found: SightlineResult }
  | { tool: "viewshed"; found: ViewshedResult }
  | { tool: "skyline"; found: SkylineResult }
  | { tool: "section"; found: SectionResult }
  | { tool: "earthwork"; found: EarthworkResult }
  | { tool: "volume"; found: VolumeResult };
