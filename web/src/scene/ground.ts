/** The ground of the scene: the city's elevation model, and on it the map or the imagery of the day. */
import {
  CesiumTerrainProvider, type CesiumWidget, CustomHeightmapTerrainProvider, Rectangle, Resource, UrlTemplateImageryProvider, WebMercatorTilingScheme,
} from "@cesium/engine";
import { address, askJson, seenSeq } from "../api/http";

interface Source {
  layer: string;
  bounds: [number, number, number, number];
  tiles: string;
  max_zoom?: number;
}

export interface Grounds {
  imagery: Source[];
  terrain: (Source & { mesh: string })[];
}

const DEEPEST_MAP = 18;
// Corners along the side of a tile of level ground: enough for the curve of the earth.
const LEVEL_CORNERS = 16;
// Buildings near the middle that are asked what they stand on, and how far off they may be (degrees).
const ASKED = 100;
const NEAR = 0.02;

/** Ask which imagery and terrain this reader may see. */
export function readGrounds(signal: AbortSignal): Promise<Grounds> {
  return askJson<Grounds>(address("api/basemaps"), { signal });
}

/** Lay an elevation model under everything; returns whether it could be. */
export async function addTerrain(widget: CesiumWidget, mesh: string): Promise<boolean> {
  try {
    const terrain = await CesiumTerrainProvider.fromUrl(mesh, { requestVertexNormals: true });
    if (widget.isDestroyed()) return false;
    widget.scene.terrainProvider = terrain;
    return true;
  } catch {
    return false;
  }
}

/** Return a level ground at a height over the ellipsoid, in metres. */
export function levelGround(height: number): CustomHeightmapTerrainProvider {
  return new CustomHeightmapTerrainProvider({
    width: LEVEL_CORNERS,
    height: LEVEL_CORNERS,
    callback: () => new Float32Array(LEVEL_CORNERS ** 2).fill(height),
  });
}

/**
 * Lay a level ground for a reader who sees no elevation model, as high as buildings in the middle of the view say they stand: so they do not float above
 * the map. Returns whether any says it.
 */
export async function addLevelGround(
  widget: CesiumWidget, layer: string, [lon, lat]: [number, number], geoid: number, signal: AbortSignal,
): Promise<boolean> {
  const url = address(`ogc/collections/${layer}/items`, {
    bbox: [lon - NEAR, lat - NEAR, lon + NEAR, lat + NEAR].map((degree) => degree.toFixed(5)).join(","),
    properties: "ground_elevation_m", skipGeometry: "true", limit: ASKED, f: "json",
  });
  try {
    const { features } = await askJson<{ features: { properties: { ground_elevation_m?: number | null } }[] }>(url, { signal });
    const told = features.map((each) => each.properties.ground_elevation_m).filter((value) => typeof value === "number").sort((a, b) => a - b);
    const middle = told[Math.floor(told.length / 2)];
    if (middle === undefined || signal.aborted || widget.isDestroyed()) return false;
    widget.scene.terrainProvider = levelGround(middle + geoid);
    return true;
  } catch {
    return false;
  }
}

/** Drape the city's map as `asked` (moment, look), or its imagery, over the ground; returns how to take it off. */
export function drape(widget: CesiumWidget, kind: "map" | "imagery", grounds: Grounds, extent: [number, number, number, number],
  asked: Record<string, string | undefined>): () => void {
  const image = kind === "imagery" ? grounds.imagery[0] : undefined;
  const template = image?.tiles ?? address("ogc/map/tiles/WebMercatorQuad/{z}/{y}/{x}").replaceAll("%7B", "{").replaceAll("%7D", "}");
  const headers: Record<string, string> = seenSeq() > 0 ? { "Gis-Seq": String(seenSeq()) } : {};
  const queryParameters = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const provider = new UrlTemplateImageryProvider({
    url: new Resource({ url: template, headers, queryParameters }),
    tilingScheme: new WebMercatorTilingScheme(),
    rectangle: Rectangle.fromDegrees(...(image?.bounds ?? extent)),
    maximumLevel: image?.max_zoom ?? DEEPEST_MAP,
    hasAlphaChannel: true,
    enablePickFeatures: false,
  });
  // A tile where there is nothing is no reason to complain.
  const stop = provider.errorEvent.addEventListener(() => undefined) as () => void;
  const layer = widget.scene.imageryLayers.addImageryProvider(provider);
  widget.scene.requestRender();
  return () => {
    stop();
    if (widget.isDestroyed()) return;
    widget.scene.imageryLayers.remove(layer, true);
    widget.scene.requestRender();
  };
}
