/** Maps that look at the same place: where one goes, the others go with it, in the same frame. */
import type { Map as MapLibre } from "maplibre-gl";

const mates = new Set<MapLibre>();
let isFollowing = false;

function cameraOf(map: MapLibre) {
  return { center: map.getCenter(), zoom: map.getZoom(), bearing: map.getBearing(), pitch: map.getPitch() };
}

/** Let a map go with the others, beginning where they are; returns how to stop. */
export function joinMates(map: MapLibre): () => void {
  const [first] = mates;
  if (first) map.jumpTo(cameraOf(first));
  const lead = () => {
    if (isFollowing) return;
    isFollowing = true;
    for (const other of mates) if (other !== map) other.jumpTo(cameraOf(map));
    isFollowing = false;
  };
  mates.add(map);
  map.on("move", lead);
  return () => {
    mates.delete(map);
    map.off("move", lead);
  };
}
