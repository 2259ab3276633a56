/** Figures of plotting: what is drawn from the positions that somebody sets. Metres are those of the plane at the first one. */
import type { Geometry, Position } from "geojson";

export type FigureKind = "symbol" | "text" | "line" | "freehand" | "polygon" | "circle" | "sector" | "arrow" | "attack" | "assembly";

/** How many positions a figure takes: at least, and at most (null: as many as one likes). */
export const POSITIONS: Record<FigureKind, [number, number | null]> = {
  symbol: [1, 1], text: [1, 1], line: [2, null], freehand: [2, null], polygon: [3, null],
  circle: [2, 2], sector: [3, 3], arrow: [2, 2], attack: [3, null], assembly: [3, null],
};

type Point = [number, number];
const METRES = 111_319.49;
const CIRCLE_PARTS = 72;
const CURVE_PARTS = 12;

function planeAt(origin: Position): { to: (position: Position) => Point; from: (point: Point) => Position } {
  const shrink = Math.cos((origin[1]! * Math.PI) / 180);
  return {
    to: ([x, y]) => [(x! - origin[0]!) * METRES * shrink, (y! - origin[1]!) * METRES],
    from: ([x, y]) => [Number((origin[0]! + x / (METRES * shrink)).toFixed(9)), Number((origin[1]! + y / METRES).toFixed(9))],
  };
}

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1]];
const plus = (a: Point, b: Point, times = 1): Point => [a[0] + b[0] * times, a[1] + b[1] * times];
const length = (a: Point) => Math.hypot(a[0], a[1]);
const unit = (a: Point): Point => {
  const l = length(a) || 1;
  return [a[0] / l, a[1] / l];
};
const left = (a: Point): Point => [-a[1], a[0]];

/** Return a smooth curve through points (Catmull-Rom); closed if asked. */
function smooth(points: Point[], closed: boolean): Point[] {
  const count = points.length;
  if (count < 3) return points;
  const at = (index: number): Point => (closed ? points[(index + count) % count]! : points[Math.min(count - 1, Math.max(0, index))]!);
  const made: Point[] = [];
  for (let index = 0; index < (closed ? count : count - 1); index += 1) {
    const [a, b, c, d] = [at(index - 1), at(index), at(index + 1), at(index + 2)];
    for (let part = 0; part < CURVE_PARTS; part += 1) {
      const t = part / CURVE_PARTS;
      const value = (axis: 0 | 1) => 0.5 * (2 * b[axis] + (c[axis] - a[axis]) * t + (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis]) * t * t
        + (3 * b[axis] - a[axis] - 3 * c[axis] + d[axis]) * t * t * t);
      made.push([value(0), value(1)]);
    }
  }
  return closed ? made : [...made, points.at(-1)!];
}

/** Return the outline of an arrow along a way: wide at its tail, narrow at its neck. */
function arrowAlong(way: Point[], tail: number, neck: number, head: number): Point[] {
  const total = way.slice(1).reduce((sum, point, index) => sum + length(minus(point, way[index]!)), 0);
  const headLength = Math.min(head * 1.6, total * 0.45);
  const tip = way.at(-1)!;
  const shaft: Point[] = [way[0]!];
  let remaining = total - headLength;
  for (let index = 1; index < way.length; index += 1) {
    const leg = minus(way[index]!, way[index - 1]!);
    const size = length(leg);
    if (size >= remaining) {
      shaft.push(plus(way[index - 1]!, unit(leg), remaining));
      break;
    }
    remaining -= size;
    shaft.push(way[index]!);
  }
  const base = shaft.at(-1)!;
  const direction = unit(minus(tip, base));
  const sides: [Point[], Point[]] = [[], []];
  shaft.forEach((point, index) => {
    const along = unit(minus(shaft[Math.min(shaft.length - 1, index + 1)]!, shaft[Math.max(0, index - 1)]!));
    const half = tail + (neck - tail) * (index / Math.max(1, shaft.length - 1));
    sides[0].push(plus(point, left(along), half));
    sides[1].push(plus(point, left(along), -half));
  });
  return [...sides[0], plus(base, left(direction), head), tip, plus(base, left(direction), -head), ...sides[1].reverse()];
}

/** Return a circle, or a part of one from one bearing to another counter-clockwise, around a centre. */
function arc(centre: Point, radius: number, from = 0, sweep = Math.PI * 2): Point[] {
  const parts = Math.max(6, Math.ceil((CIRCLE_PARTS * sweep) / (Math.PI * 2)));
  const full = sweep >= Math.PI * 2 - 1e-9;
  return Array.from({ length: full ? parts : parts + 1 }, (_, index): Point => {
    const angle = from + (sweep * index) / parts;
    return [centre[0] + radius * Math.cos(angle), centre[1] + radius * Math.sin(angle)];
  });
}

/** Return the distance in metres between two positions of a figure. */
export function distanceM(a: Position, b: Position): number {
  return length(planeAt(a).to(b));
}

/** Return a position at a distance east of another: the edge of a circle whose radius is typed. */
export function eastOf(centre: Position, metres: number): Position {
  return planeAt(centre).from([metres, 0]);
}

/** Return the geometry of a figure; null while there are too few positions. */
export function figureOf(kind: FigureKind, positions: Position[]): Geometry | null {
  if (positions.length < POSITIONS[kind][0]) return null;
  const { to, from } = planeAt(positions[0]!);
  const points = positions.map(to);
  const ring = (outline: Point[]): Geometry => {
    const places = outline.map(from);
    return { type: "Polygon", coordinates: [[...places, places[0]!]] };
  };
  switch (kind) {
    case "symbol":
    case "text":
      return { type: "Point", coordinates: positions[0]! };
    case "line":
    case "freehand":
      return { type: "LineString", coordinates: positions };
    case "polygon":
      return { type: "Polygon", coordinates: [[...positions, positions[0]!]] };
    case "circle":
      return ring(arc(points[0]!, length(minus(points[1]!, points[0]!))));
    case "sector": {
      const [centre, begin, end] = points as [Point, Point, Point];
      const [first, last] = [minus(begin, centre), minus(end, centre)].map((v) => Math.atan2(v[1], v[0])) as [number, number];
      const sweep = (last - first + Math.PI * 4) % (Math.PI * 2) || Math.PI * 2;
      return ring([centre, ...arc(centre, length(minus(begin, centre)), first, sweep)]);
    }
    case "arrow": {
      const size = length(minus(points[1]!, points[0]!));
      return ring(arrowAlong(points, size * 0.025, size * 0.025, size * 0.075));
    }
    case "attack": {
      const way = smooth(points, false);
      const size = length(minus(points.at(-1)!, points[0]!));
      return ring(arrowAlong(way, size * 0.12, size * 0.045, size * 0.12));
    }
    case "assembly":
      return ring(smooth(points, true));
    default:
      return null;
  }
}
