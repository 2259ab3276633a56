/** Projects that grow: their buildings floor by floor, what stands as a body, what should stand and does not as a ghost. */
import {
  Cartesian2, Cartesian3, type CesiumWidget, Color, ColorGeometryInstanceAttribute, GeometryInstance, LabelCollection, LabelStyle, PerInstanceColorAppearance,
  PolygonGeometry, PolygonHierarchy, Primitive, PrimitiveCollection, ShowGeometryInstanceAttribute, VerticalOrigin,
} from "@cesium/engine";
import type { Polygon, Position } from "geojson";
import type { GrowingBuilding, ProgressState, ProjectProgress } from "../api/progress";
import { boundsOf } from "../format/geometry";
import { GHOST_COLOR, MOST_FLOORS, STATE_COLORS } from "../state/construction";
import type { Hit } from "./picking";

const GAP_M = 0.3;
const GHOST = Color.fromCssColorString(GHOST_COLOR).withAlpha(0.42);

/** What a floor carries that can be clicked on. */
export interface FloorId {
  hits: Hit[];
}

interface Floor {
  /** One for each part of the building: instances are found by them. */
  ids: FloorId[];
  building: GrowingBuilding;
  project: number;
  number: number;
  drawn?: { body: Attributes; ghost: Attributes }[];
}

/** What is shown: the day, the last day of which records can tell, and how each project is on that day. */
export interface Shown {
  day: string;
  today: string;
  states: Map<number, { state: ProgressState; text: string }>;
}

export interface Growing {
  /** The buildings that stand here in place of those in the tiles. */
  fids: Set<number>;
  show: (shown: Shown) => void;
  /** How many floors are seen as bodies, and how many as ghosts. */
  seen: () => { standing: number; ghosts: number };
  stop: () => void;
}

function ringsOf(building: GrowingBuilding): Position[][][] {
  const shape = building.geometry;
  return shape?.type === "MultiPolygon" ? shape.coordinates : shape?.type === "Polygon" ? [(shape as Polygon).coordinates] : [];
}

function hierarchy([outer, ...holes]: Position[][]): PolygonHierarchy {
  const flat = (ring: Position[]) => Cartesian3.fromDegreesArray(ring.slice(0, -1).flatMap(([x, y]) => [x!, y!]));
  return new PolygonHierarchy(flat(outer ?? []), holes.map((ring) => new PolygonHierarchy(flat(ring))));
}

function floorsOf(projects: ProjectProgress[], buildingLayer: string, levelLayer: string | undefined): Floor[] {
  const floors: Floor[] = [];
  for (const project of projects) {
    for (const building of project.buildings ?? []) {
      const parts = ringsOf(building).length;
      // A building stands whole or not at all.
      if (parts === 0 || floors.length + building.actual.length > MOST_FLOORS) continue;
      for (let number = 0; number < building.actual.length; number += 1) {
        const level = building.levels?.[number];
        const hits: Hit[] = [{ layer: buildingLayer, fid: building.fid, label: building.label }];
        if (level && levelLayer) hits.push({ layer: levelLayer, fid: level, label: String(number + 1) });
        floors.push({ ids: Array.from({ length: parts }, () => ({ hits })), building, project: project.fid, number });
      }
    }
  }
  return floors;
}

function instances(floors: Floor[], color: Color): GeometryInstance[] {
  return floors.flatMap(({ ids, building, number }) => ringsOf(building).map((rings, part) => {
    const [low, high] = [building.bounds_m[number]!, building.bounds_m[number + 1]!];
    return new GeometryInstance({
      id: ids[part],
      geometry: new PolygonGeometry({
        polygonHierarchy: hierarchy(rings), height: building.base_m + low, extrudedHeight: building.base_m + Math.max(high - GAP_M, low + 0.7 * (high - low)),
        vertexFormat: PerInstanceColorAppearance.VERTEX_FORMAT,
      }),
      attributes: { color: ColorGeometryInstanceAttribute.fromColor(color), show: new ShowGeometryInstanceAttribute(false) },
    });
  }));
}

/** Let projects grow on the globe. */
export function grow(widget: CesiumWidget, projects: ProjectProgress[], buildingLayer: string, levelLayer: string | undefined): Growing {
  const floors = floorsOf(projects, buildingLayer, levelLayer);
  const all = new PrimitiveCollection();
  const body = new Primitive({
    geometryInstances: instances(floors, Color.fromCssColorString(STATE_COLORS.unknown)), asynchronous: false, releaseGeometryInstances: true,
    appearance: new PerInstanceColorAppearance({ translucent: false, closed: true }),
  });
  const ghost = new Primitive({
    geometryInstances: instances(floors, GHOST), asynchronous: false,
    appearance: new PerInstanceColorAppearance({ translucent: true, closed: false }),
  });
  const labels = new LabelCollection();
  if (floors.length > 0) {
    all.add(body);
    all.add(ghost);
  }
  all.add(labels);
  widget.scene.primitives.add(all);
  const signs = new Map(projects.flatMap((project) => {
    const place = placeOf(project);
    return place ? [[project.fid, labels.add({
      position: place, font: "600 15px 'Noto Sans SC', sans-serif", style: LabelStyle.FILL, fillColor: Color.WHITE, showBackground: true,
      backgroundPadding: new Cartesian2(8, 5), verticalOrigin: VerticalOrigin.BOTTOM, pixelOffset: new Cartesian2(0, -10), disableDepthTestDistance: Number.POSITIVE_INFINITY,
    })] as const] : [];
  }));
  const counts = { standing: 0, ghosts: 0 };
  let wanted: Shown | null = null;
  const apply = () => {
    if (!wanted || floors.length === 0 || !body.ready || !ghost.ready) return;
    const { day, today, states } = wanted;
    const known = day < today ? day : today;
    counts.standing = counts.ghosts = 0;
    for (const floor of floors) {
      const { building, number } = floor;
      const stands = (building.actual[number] ?? "9") <= known;
      const missing = !stands && (building.planned[number] ?? "9") <= day;
      counts.standing += stands ? 1 : 0;
      counts.ghosts += missing ? 1 : 0;
      // Instances are looked for in a list; what was found is kept.
      floor.drawn ??= floor.ids.map((id) => ({
        body: body.getGeometryInstanceAttributes(id) as Attributes, ghost: ghost.getGeometryInstanceAttributes(id) as Attributes,
      }));
      const color = Color.fromCssColorString(STATE_COLORS[states.get(floor.project)?.state ?? "unknown"]);
      for (const drawn of floor.drawn) {
        drawn.body.show = ShowGeometryInstanceAttribute.toValue(stands, drawn.body.show);
        drawn.body.color = ColorGeometryInstanceAttribute.toValue(color, drawn.body.color);
        drawn.ghost.show = ShowGeometryInstanceAttribute.toValue(missing, drawn.ghost.show);
      }
    }
    for (const [fid, label] of signs) {
      const told = states.get(fid);
      label.text = told?.text ?? "";
      label.show = Boolean(told?.text);
      label.backgroundColor = Color.fromCssColorString(STATE_COLORS[told?.state ?? "unknown"]).withAlpha(0.92);
    }
    widget.scene.requestRender();
  };
  // What is drawn for the first time has no attributes before it was.
  const first = widget.scene.postRender.addEventListener(() => {
    if (floors.length > 0 && !(body.ready && ghost.ready)) return;
    first();
    apply();
  }) as () => void;
  widget.scene.requestRender();
  return {
    fids: new Set(floors.map(({ building }) => building.fid)),
    show: (shown) => {
      wanted = shown;
      apply();
      widget.scene.requestRender();
    },
    seen: () => ({ ...counts }),
    stop: () => {
      first();
      if (widget.isDestroyed()) return;
      widget.scene.primitives.remove(all);
      widget.scene.requestRender();
    },
  };
}

interface Attributes {
  show: Uint8Array;
  color: Uint8Array;
}

/** Where the sign of a project stands: over the middle of its buildings. */
function placeOf({ buildings = [] }: ProjectProgress): Cartesian3 | null {
  const bounds = boundsOf(buildings.map((building) => building.geometry));
  if (!bounds) return null;
  const top = Math.max(...buildings.map((building) => building.base_m + (building.bounds_m.at(-1) ?? 0)));
  return Cartesian3.fromDegrees((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, top);
}
