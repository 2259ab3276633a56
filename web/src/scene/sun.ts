/** The sun of a day and an hour, with shadows where they are asked for. */
import { type CesiumWidget, JulianDate, SunLight } from "@cesium/engine";
import { studioLight } from "./globe";

export interface Sun {
  /** Hours of the city's day. */
  hour: number;
  shadows: boolean;
}

/** Return the instant of an hour of a day in a time zone. */
export function instantOf(day: string, hour: number, zone: string): Date {
  const minutes = Math.round(hour * 60);
  const clock = `${String(Math.floor(minutes / 60) % 24).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}:00`;
  const guess = new Date(`${day}T${clock}Z`);
  // What the zone's clock shows at the guess tells how far it is from it.
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  }).formatToParts(guess);
  const part = (type: string) => parts.find((each) => each.type === type)!.value;
  const shown = Date.parse(`${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}:${part("second")}Z`);
  return new Date(guess.getTime() - (shown - guess.getTime()));
}

/** Light the scene by the sun of an instant; without one by the light of maps. */
export function shine(widget: CesiumWidget, at: Date | null, shadows: boolean, center: [number, number]): void {
  const { scene, clock } = widget;
  if (at) clock.currentTime = JulianDate.fromDate(at);
  scene.light = at ? new SunLight({ intensity: 2.4 }) : studioLight(...center);
  scene.globe.enableLighting = at !== null;
  scene.shadowMap.enabled = at !== null && shadows;
  scene.shadowMap.maximumDistance = 3000;
  // Light comes from the sky as well.
  scene.shadowMap.darkness = 0.45;
  scene.requestRender();
}
