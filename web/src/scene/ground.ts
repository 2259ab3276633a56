/** The ground of the scene: the city's elevation model, and on it the map or the imagery of the day. */
import { CesiumTerrainProvider, type CesiumWidget, Rectangle, Resource, UrlTemplateImageryProvider, WebMercatorTilingScheme } from "@cesium/engine";
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

/** Drape the city's map, or its imagery, over the ground; returns how to take it off. */
export function drape(widget: CesiumWidget, kind: "map" | "imagery", grounds: Grounds, extent: [number, number, number, number],
  moment: { datetime?: string; "known-at"?: string }): () => void {
  const image = kind === "imagery" ? grounds.imagery[0] : undefined;
  const template = image?.tiles ?? address("ogc/map/tiles/WebMercatorQuad/{z}/{y}/{x}").replaceAll("%7B", "{").replaceAll("%7D", "}");
  const headers: Record<string, string> = seenSeq() > 0 ? { "Gis-Seq": String(seenSeq()) } : {};
  const queryParameters = Object.fromEntries(Object.entries(moment).filter(([, value]) => value !== undefined));
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
