/** Colours of the map by night: pale grounds become dark ones, dark letters light ones, strong colours stay. */

function toHsl(hex: string): [number, number, number] {
  const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255) as [number, number, number];
  const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
  const lightness = (most + least) / 2;
  const span = most - least;
  if (span === 0) return [0, 0, lightness];
  const saturation = span / (1 - Math.abs(2 * lightness - 1));
  const sector = most === r ? ((g - b) / span + 6) % 6 : most === g ? (b - r) / span + 2 : (r - g) / span + 4;
  return [sector * 60, saturation, lightness];
}

function toHex(hue: number, saturation: number, lightness: number): string {
  const amplitude = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    const value = lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 255).toString(16).padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

/** Return the colour of a ground, line or point by night. */
export function nightColor(hex: string): string {
  const [hue, saturation, lightness] = toHsl(hex);
  if (lightness < 0.66) return hex;
  return toHex(hue, Math.min(0.32, saturation * 0.55), 0.34 - (lightness - 0.66) * 0.42);
}

/** Return the colour of letters by night. */
export function nightInk(hex: string): string {
  const [hue, saturation, lightness] = toHsl(hex);
  return lightness > 0.7 ? hex : toHex(hue, saturation * 0.7, 0.78);
}

/** Change every `#rrggbb` in a style value, however deep it lies in an expression. */
export function recolor<T>(value: T, change: (hex: string) => string): T {
  if (typeof value === "string") return (/^#[0-9a-fA-F]{6}$/.test(value) ? change(value) : value) as T;
  if (Array.isArray(value)) return value.map((entry: unknown) => recolor(entry, change)) as T;
  return value;
}
