/** Results of analyses to take away: tables as CSV, shapes as GeoJSON, the scene and its charts as pictures. */
import type { CesiumWidget } from "@cesium/engine";
import type { Feature, Geometry } from "geojson";
import type { Analysis } from "../../state/analysis";
import type { Result } from "./results";

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function rowsOf(result: Result): object[] {
  switch (result.tool) {
    case "sightline": return result.found.targets.map(({ obstruction, ...target }) => ({
      lon: target.lon, lat: target.lat, elevation_m: target.eye_elevation_m, visible: target.visible, level_m: target.level_m, slant_m: target.slant_m, raise_m: target.raise_m,
      obstruction_fid: obstruction?.fid, obstruction_label: obstruction?.label, obstruction_m: obstruction?.distance_m, above_line_m: obstruction?.above_line_m }));
    case "viewshed": return result.found.features;
    case "skyline": return result.found.profile.map((ray, i) => {
      const then = result.found.compared?.profile[i];
      return { azimuth_deg: ray.azimuth_deg, angle_deg: ray.angle_deg, distance_m: ray.distance_m, fid: ray.fid, label: ray.label,
        ...(then ? { compared_deg: then.angle_deg, compared_fid: then.fid, compared_label: then.label } : {}) };
    });
    case "section": return [
      ...result.found.ground.map(([distance_m, elevation_m]) => ({ what: "ground", distance_m, elevation_m })),
      ...result.found.cuts.map((cut) => ({ what: "building", distance_m: cut.from_m, to_m: cut.to_m, elevation_m: cut.base_elevation_m, top_m: cut.top_elevation_m, floors: cut.floors_above, shape: cut.shape, storeys: cut.storey_basis, fid: cut.fid, label: cut.label })),
      ...result.found.pipes.map((pipe) => ({ what: "pipe", distance_m: pipe.distance_m, to_m: pipe.to_m, elevation_m: pipe.elevation_m, depth_m: pipe.depth_m, size_m: pipe.size_m, fid: pipe.fid, label: pipe.label })),
    ];
    case "earthwork": {
      const { pipes = [], features = [], terrain: _, solids: __, ...numbers } = result.found;
      const plain = Object.entries(numbers).filter(([, value]) => value === null || typeof value !== "object").map(([what, value]) => ({ what, value }));
      return [...plain, ...pipes.map((pipe) => ({ what: "pipe", fid: pipe.fid, label: pipe.label, is_met: pipe.is_met, over_floor_m: pipe.over_floor_m, depth_m: pipe.least_depth_m })),
        ...features.map((each) => ({ what: "building", fid: each.fid, label: each.label, overlap_m2: each.overlap_m2 }))];
    }
    case "volume": return result.found.features;
  }
}

/** Write rows as CSV: a column for every name that a row has. What a spreadsheet would take for a formula is told as text. */
export function csvOf(rows: object[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [names, ...rows.map((row) => names.map((name) => (row as Record<string, unknown>)[name]))].map((row) => row.map(cell).join(",")).join("\r\n");
}

/** Save the rows of a result. */
export function saveCsv(result: Result): void {
  save(new Blob(["\uFEFF", csvOf(rowsOf(result))], { type: "text/csv" }), `${result.tool}.csv`);
}

/** Return the shapes of a result as features in longitude and latitude. */
export function featuresOf({ points }: Analysis, result: Result): Feature[] {
  const feature = (geometry: Geometry, properties: Record<string, unknown>): Feature => ({ type: "Feature", geometry, properties });
  const flat = points.map(({ lon, lat }) => [lon, lat]);
  switch (result.tool) {
    case "sightline": return result.found.targets.map((target) => feature(
      { type: "LineString", coordinates: [[result.found.observer.lon, result.found.observer.lat, result.found.observer.eye_elevation_m], [target.lon, target.lat, target.eye_elevation_m]] },
      { visible: target.visible, level_m: target.level_m, obstruction_fid: target.obstruction?.fid ?? null, above_line_m: target.obstruction?.above_line_m ?? null }));
    case "viewshed": return [feature(result.found.visible, { visible: true, area_m2: result.found.visible_m2 }), feature(result.found.hidden, { visible: false, area_m2: result.found.hidden_m2 })];
    case "skyline": return result.found.profile.filter((ray) => ray.lon !== undefined).map((ray) => feature(
      { type: "Point", coordinates: [ray.lon!, ray.lat!, ray.elevation_m!] }, { azimuth_deg: ray.azimuth_deg, angle_deg: ray.angle_deg, fid: ray.fid ?? null }));
    case "section": return [feature({ type: "LineString", coordinates: flat }, { length_m: result.found.length_m })];
    case "earthwork": return [feature({ type: "Polygon", coordinates: [[...flat, flat[0]!]] },
      { area_m2: result.found.area_m2, cut_m3: result.found.cut_m3 ?? null, fill_m3: result.found.fill_m3 ?? null, level_m: result.found.level_m ?? null })];
    case "volume": return [];
  }
}

/** Save the shapes of a result. */
export function saveGeoJson(analysis: Analysis, result: Result): void {
  save(new Blob([JSON.stringify({ type: "FeatureCollection", features: featuresOf(analysis, result) })], { type: "application/geo+json" }), `${result.tool}.geojson`);
}

/** Save what the scene shows now. */
export function savePicture(widget: CesiumWidget, name: string): void {
  // The picture is there until the browser shows it: it is taken in the same breath.
  widget.scene.render(widget.clock.currentTime);
  widget.canvas.toBlob((blob) => blob && save(blob, `${name}.png`), "image/png");
}

/** Save a chart as a drawing that stands alone: its colours are written into it. */
export function saveDrawing(drawing: SVGSVGElement, name: string): void {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const own = drawing.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, i) => {
    const { fill, stroke, strokeWidth, fontSize, fontFamily, opacity, strokeDasharray } = getComputedStyle(own[i]!);
    Object.assign((element as SVGElement).style, { fill, stroke, strokeWidth, fontSize, fontFamily, opacity, strokeDasharray });
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.style.background = getComputedStyle(document.documentElement).getPropertyValue("--paper");
  save(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }), `${name}.svg`);
}
