/** How what stands in the scene looks: the layers, day, opacity, selection and chosen styles of the view state. */
import type { Cesium3DTileFeature, CesiumWidget } from "@cesium/engine";
import { useEffect } from "react";
import type { Layer } from "../api/types";
import { shownByDefault } from "../state/layers";
import { styledAs } from "../state/styles";
import { useView } from "../state/view";
import { type Adornment, adorned } from "./adorn";
import { classColors, painted } from "./classes";
import { partsOf } from "./picking";
import { useScene } from "./state";
import { isUnderground, type Standing, styleOf } from "./tilesets";

const BELOW_OPACITY = 0.35;

/** Let all that stands look as the view has it; `living` adorns the tiles of a layer over that. */
export function useStandingLook(widget: CesiumWidget | null, standing: Standing[], layers: Layer[], living: (layer: Layer) => Adornment[]): void {
  const { day, until } = useView((view) => view.time);
  const { shown, opacity } = useView((view) => view.layers);
  const selection = useView((view) => view.selection);
  const styles = useView((view) => view.work.styles);
  const underground = useScene((scene) => scene.underground);
  useEffect(() => {
    if (!widget) return;
    const at = day ? Date.parse(day) / 1000 : Math.floor(Date.now() / 1000);
    const end = day && until ? Date.parse(until) / 1000 : null;
    for (const { layer, tileset } of standing) {
      const below = isUnderground(layer);
      tileset.show = below ? underground || (shown[layer.id] ?? shownByDefault(layer)) : (shown[layer.id] ?? shownByDefault(layer));
      const opaque = (opacity[layer.id] ?? 1) * (underground && !below ? BELOW_OPACITY : 1);
      const level = partsOf(layer, layers).level?.id;
      const styled = styledAs(layer, styles);
      const of = (id: string | undefined) => new Set(selection.filter((ref) => ref.layer === id).map((ref) => ref.fid));
      const [own, levels] = [of(layer.id), of(level)];
      const chosen = (feature: Cesium3DTileFeature) => own.has(Number(feature.getProperty("fid"))) || (levels.size > 0 && levels.has(Number(feature.getProperty("level_fid"))));
      const plain = styleOf(layer, { at, until: end, selection, opacity: opaque, levelLayer: level });
      tileset.style = adorned(painted(plain, tileset, styled === layer ? undefined : classColors(styled), chosen, opaque), living(layer));
    }
    widget.scene.requestRender();
  }, [widget, standing, layers, day, until, shown, opacity, selection, underground, living, styles]);
}
