/** Layers of other services on the ground of the scene, through this server. */
import { type CesiumWidget, Rectangle, Resource, type TileProviderError, UrlTemplateImageryProvider, WebMercatorTilingScheme } from "@cesium/engine";
import { ask } from "../api/http";
import { type OutsideLayer, outsideTiles } from "../api/outside";
import { saidOf } from "../state/outside";

/** What keeps the service from giving a tile, in the reader's language; null where it gives it after all. */
export type Told = (layer: string, fault: string | null) => void;

/** Ask once more for a tile that was not given: the globe does not say why. */
export async function reasonOf(url: string): Promise<string | null> {
  try {
    await ask(url);
    return null;
  } catch (error) {
    return saidOf(error);
  }
}

/** Lay pictures of other services over the ground, the first one lowest, below or above the city's own map; returns how to take them off. */
export function layOutside(widget: CesiumWidget, layers: { layer: OutsideLayer; opacity: number }[], under: boolean, tell: Told): () => void {
  const laid = layers.map(({ layer, opacity }, index) => {
    const provider = new UrlTemplateImageryProvider({
      url: new Resource({ url: outsideTiles(layer.id) }), tilingScheme: new WebMercatorTilingScheme(), tileWidth: layer.tile_size, tileHeight: layer.tile_size,
      maximumLevel: layer.max_zoom, hasAlphaChannel: true, enablePickFeatures: false, ...(layer.extent ? { rectangle: Rectangle.fromDegrees(...clipped(layer.extent)) } : {}),
    });
    let asked = false;
    const stop = provider.errorEvent.addEventListener(({ x, y, level }: TileProviderError) => {
      if (asked) return;
      asked = true;
      void reasonOf(outsideTiles(layer.id).replace("{z}", String(level)).replace("{x}", String(x)).replace("{y}", String(y))).then((fault) => tell(layer.id, fault));
    }) as () => void;
    const made = widget.scene.imageryLayers.addImageryProvider(provider, under ? index : undefined);
    made.alpha = opacity;
    return { made, stop };
  });
  widget.scene.requestRender();
  return () => {
    for (const { made, stop } of laid) {
      stop();
      if (!widget.isDestroyed()) widget.scene.imageryLayers.remove(made, true);
    }
    if (!widget.isDestroyed()) widget.scene.requestRender();
  };
}

function clipped([west, south, east, north]: [number, number, number, number]): [number, number, number, number] {
  return [Math.max(-180, west), Math.max(-85.05, south), Math.min(180, east), Math.min(85.05, north)];
}
