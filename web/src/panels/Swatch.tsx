import type { Layer } from "../api/types";

/** The sign of a layer in a colour: a point, a line or an area as it is drawn. */
export function Shape({ layer, color }: { layer: Layer; color: string }) {
  const { outline, width_px: width = 1, dash, opacity = 1 } = layer.symbology ?? {};
  const geometry = layer.geometry ?? "Polygon";
  return (
    <svg className="swatch" viewBox="0 0 18 14" width="18" height="14" aria-hidden="true">
      {geometry.endsWith("Point") ? (
        <circle cx="9" cy="7" r="4.5" fill={color} stroke={outline ?? "#ffffff"} strokeWidth="1.2" />
      ) : geometry.endsWith("LineString") ? (
        <path d="M1 11C6 11 8 3 17 3" fill="none" stroke={color} strokeWidth={Math.min(4, Math.max(1.8, width))}
          strokeDasharray={dash?.map((part) => part * 1.6).join(" ")} />
      ) : (
        <rect x="1" y="1.5" width="16" height="11" rx="2" fill={color} fillOpacity={opacity < 0.08 ? 0 : Math.max(0.25, opacity)}
          stroke={outline ?? color} strokeWidth={Math.min(2, Math.max(1, width))} strokeDasharray={dash?.join(" ")} />
      )}
    </svg>
  );
}

/** The colour of a layer in its row; several when it has classes. */
export function Swatch({ layer }: { layer: Layer }) {
  const classes = layer.symbology?.classes ?? [];
  const color = layer.symbology?.color ?? "#888888";
  if (classes.length < 3) return <Shape layer={layer} color={classes[0]?.color ?? color} />;
  const shown = [0, Math.floor(classes.length / 2), classes.length - 1].map((i) => classes[i]!.color);
  return (
    <svg className="swatch" viewBox="0 0 18 14" width="18" height="14" aria-hidden="true">
      {shown.map((fill, i) => <rect key={i} x={1 + i * 5.5} y="1.5" width="5" height="11" rx="1.2" fill={fill} stroke="#0002" strokeWidth="0.6" />)}
    </svg>
  );
}
