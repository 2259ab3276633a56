import type { Geometry, Position } from "geojson";
import { areaM2, boundsOf, positionsOf } from "../../format/geometry";
import { takeApart } from "../../format/parts";
import { formatNumber } from "../../format/value";
import { useWords } from "../../state/preferences";

const WIDTH = 320;
const HEIGHT = 210;
const PAD = 14;

function pathOf(geometry: Geometry, place: (position: Position) => [number, number]): string {
  return takeApart(geometry).map(({ geometry: part }) => {
    const line = part.type === "Polygon" ? part.coordinates[0]! : part.type === "LineString" ? part.coordinates : [part.coordinates];
    return line.map((position, index) => `${index ? "L" : "M"}${place(position).map((n) => n.toFixed(1)).join(" ")}`).join("")
      + (part.type === "Polygon" ? "Z" : "");
  }).join("");
}

function roughArea(geometry: Geometry): number {
  return takeApart(geometry).reduce((total, part) =>
    total + (part.geometry.type === "Polygon" ? areaM2(part.geometry.coordinates[0]!) * (part.hole ? -1 : 1) : 0), 0);
}

/** Two versions side by side at one scale, over the outline of what both began with; vertices that are new stand out. */
export function GeometryPictures({ base, theirs, mine }: { base: Geometry | null; theirs: Geometry | null; mine: Geometry | null }) {
  const { t, language } = useWords();
  const bounds = boundsOf([base, theirs, mine]);
  if (!bounds) return null;
  const shrink = Math.cos(((bounds[1] + bounds[3]) / 2) * (Math.PI / 180));
  const wide = Math.max((bounds[2] - bounds[0]) * shrink, 1e-9);
  const high = Math.max(bounds[3] - bounds[1], 1e-9);
  const scale = Math.min((WIDTH - 2 * PAD) / wide, (HEIGHT - 2 * PAD) / high);
  const place = ([x, y]: Position): [number, number] => [
    WIDTH / 2 + (x! - (bounds[0] + bounds[2]) / 2) * shrink * scale, HEIGHT / 2 - (y! - (bounds[1] + bounds[3]) / 2) * scale,
  ];
  const known = new Set(base ? positionsOf(base).map(String) : []);
  return (
    <div className="geometry-pictures" role="group" aria-label={t("conflict.maps")}>
      {([["theirs", theirs], ["mine", mine]] as const).map(([side, geometry]) => (
        <figure key={side} data-side={side}>
          <figcaption>{t(`conflict.${side}`)}</figcaption>
          <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t("conflict.mapOf", {
            side: t(`conflict.${side}`), area: geometry ? formatNumber(roughArea(geometry), language, 0) : 0,
            points: geometry ? positionsOf(geometry).length : 0,
          })}>
            {geometry && <path className="picture-own" d={pathOf(geometry, place)} fillRule="evenodd" />}
            {base && <path className="picture-base" d={pathOf(base, place)} />}
            {geometry && positionsOf(geometry).filter((position) => !known.has(String(position))).map((position, index) => {
              const [x, y] = place(position);
              return <circle key={index} className="picture-new" cx={x} cy={y} r="4.5" />;
            })}
          </svg>
        </figure>
      ))}
    </div>
  );
}
