/** The layers with a form in three dimensions: their tiles, and how the view state colours and filters them. */
import { Cartesian3, Cesium3DTileset, Cesium3DTileStyle, type CesiumWidget, Resource, ShadowMode } from "@cesium/engine";
import { address, seenSeq } from "../api/http";
import type { Layer } from "../api/types";
import type { Ref } from "../state/link";

const AMBIENT = 0.62;

export interface Standing {
  layer: Layer;
  tileset: Cesium3DTileset;
}

/** Does the server give 3D tiles of this layer? Areas with an extrusion that the reader sees, or lines with elevations. */
export function hasForm(layer: Layer): boolean {
  const names = new Set(layer.fields.map((field) => field.name));
  if (layer.geometry === "Polygon" || layer.geometry === "MultiPolygon") return names.has(layer.symbology?.extrude ?? "");
  return isUnderground(layer);
}

/** Is it a layer of tubes? */
export function isUnderground(layer: Layer): boolean {
  const names = new Set(layer.fields.map((field) => field.name));
  return layer.geometry === "LineString" && ["start_elevation_m", "end_elevation_m", "size_mm"].every((name) => names.has(name));
}

/** Put a layer's tiles on the globe: all its versions, so that another day is only another style. */
export async function stand(widget: CesiumWidget, layer: Layer, knownAt: string | null): Promise<Standing> {
  const url = address(`ogc/collections/${layer.id}/3dtiles/tileset.json`, { datetime: "../..", "known-at": knownAt ?? undefined });
  const headers: Record<string, string> = seenSeq() > 0 ? { "Gis-Seq": String(seenSeq()) } : {};
  const tileset = await Cesium3DTileset.fromUrl(new Resource({ url, headers }), {
    maximumScreenSpaceError: 16,
    cacheBytes: 192 * 2 ** 20,
    maximumCacheOverflowBytes: 128 * 2 ** 20,
    shadows: ShadowMode.ENABLED,
    preloadFlightDestinations: false,
  });
  tileset.environmentMapManager.enabled = false;
  // As much light from all sides as lets one tell a colour in the shade.
  tileset.imageBasedLighting.sphericalHarmonicCoefficients = [new Cartesian3(AMBIENT, AMBIENT, AMBIENT), ...Array.from({ length: 8 }, () => Cartesian3.ZERO)];
  widget.scene.primitives.add(tileset);
  tileset.tileLoad.addEventListener(() => widget.scene.requestRender());
  tileset.allTilesLoaded.addEventListener(() => widget.scene.requestRender());
  return { layer, tileset };
}

export interface Look {
  /** The moment shown, in seconds since 1970; with `until` all that was at any time between. */
  at: number;
  until: number | null;
  selection: Ref[];
  opacity: number;
  levelLayer?: string;
}

export const CHOSEN = "#1e88ff";

/** Return the style of a layer: what is there at the moment, what is selected, how opaque. */
export function styleOf(layer: Layer, { at, until, selection, opacity, levelLayer }: Look): Cesium3DTileStyle {
  const chosen = [
    ...selection.filter((ref) => ref.layer === layer.id).map((ref) => `\${fid} === ${ref.fid}`),
    ...selection.filter((ref) => ref.layer === levelLayer).map((ref) => `\${level_fid} === ${ref.fid}`),
  ];
  const alpha = opacity.toFixed(2);
  const conditions: [string, string][] = chosen.map((condition) => [condition, `color('${CHOSEN}', ${Math.max(0.85, opacity).toFixed(2)})`]);
  conditions.push(["true", `color('#ffffff', ${alpha})`]);
  return new Cesium3DTileStyle({
    show: until === null ? `\${valid_from} <= ${at} && \${valid_to} > ${at}` : `\${valid_from} < ${until} && \${valid_to} > ${at}`,
    color: { conditions },
  });
}
