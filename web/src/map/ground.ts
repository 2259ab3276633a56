import type { StyleSpecification } from "maplibre-gl";
import type { City } from "../api/types";

export const GROUND = { light: "#f3f0e9", dark: "#15191d" };
const BEYOND = { light: "#e4e0d6", dark: "#0e1114" };

/** The paper under the city: one tone inside its extent, another beyond, so that an empty city still is a map. */
export function groundStyle(city: City, dark: boolean): StyleSpecification {
  const [minx, miny, maxx, maxy] = city.extent;
  const theme = dark ? "dark" : "light";
  return {
    version: 8,
    name: city.id,
    sources: {
      "ground-extent": {
        type: "geojson",
        data: {
          type: "Feature",
          properties: {},
          geometry: {
            type: "Polygon",
            coordinates: [[[minx, miny], [maxx, miny], [maxx, maxy], [minx, maxy], [minx, miny]]],
          },
        },
      },
    },
    layers: [
      { id: "ground-beyond", type: "background", paint: { "background-color": BEYOND[theme] } },
      { id: "ground-paper", type: "fill", source: "ground-extent", paint: { "fill-color": GROUND[theme], "fill-antialias": false } },
      {
        id: "ground-edge", type: "line", source: "ground-extent",
        paint: { "line-color": dark ? "#3a434b" : "#bdb6a6", "line-width": 1, "line-dasharray": [6, 4] },
      },
    ],
  };
}
