/** Layers of services of others, which the server fetches from hosts that an administrator allowed. */
import type { FeatureCollection } from "geojson";
import { address, ask, askJson } from "./http";

/** West, south, east, north in degrees. */
export type Bounds = [number, number, number, number];

export interface OutsideHost {
  id: number;
  origin: string;
  title: string | null;
  private?: boolean;
  everyone?: boolean;
  allowed_by?: string;
  allowed_at?: string;
}

export interface OutsideLayer {
  id: string;
  title: string;
  service: string;
  origin: string;
  attribution: string;
  extent: Bounds | null;
  form: "pictures" | "features";
  tile_size: number;
  max_zoom: number;
  legend: boolean;
  /** Does the service tell of points? */
  asks: boolean;
  opaque: boolean;
  style: string;
  time: string;
  warped: boolean;
  /** Does the administrator's list still have its host? */
  allowed: boolean;
}

export interface OfferedLayer {
  name: string;
  title: string;
  abstract: string;
  path: string[];
  extent: Bounds | null;
  crs: string[];
  formats: string[];
  styles: { name: string; title: string }[];
  times: string[];
  default_time: string;
  asks: boolean;
  drawable: boolean;
  why: string | null;
  warped: boolean;
}

export interface OutsideService {
  kind: ServiceKind;
  title: string;
  abstract: string;
  attribution: string;
  layers: OfferedLayer[];
}

export type ServiceKind = "auto" | "wms" | "wmts" | "ogc-api" | "xyz" | "geojson";

export interface Told {
  features: Record<string, unknown>[];
  text: string;
}

/** Read the hosts that may be asked. */
export function readHosts(signal?: AbortSignal): Promise<{ hosts: OutsideHost[]; may_change: boolean }> {
  return askJson(address("api/outside/hosts"), { signal });
}

export function allowHost(wish: { origin: string; title: string | null; private: boolean; everyone: boolean }): Promise<OutsideHost> {
  return askJson(address("api/outside/hosts"), { method: "POST", body: wish });
}

export async function forbidHost(id: number): Promise<void> {
  await ask(address(`api/outside/hosts/${id}`), { method: "DELETE" });
}

/** Ask the server what a service offers. */
export function readService(url: string, kind: ServiceKind): Promise<OutsideService> {
  return askJson(address("api/outside/reading"), { method: "POST", body: { url, kind } });
}

/** Make a layer of one that a service offers, and keep it. */
export function addOutside(wish: { url: string; kind: ServiceKind; layer: string; style: string; time: string }): Promise<OutsideLayer> {
  return askJson(address("api/outside/layers"), { method: "POST", body: wish });
}

/** Read the layers that one keeps. */
export async function readKeptOutside(signal?: AbortSignal): Promise<OutsideLayer[]> {
  return (await askJson<{ layers: OutsideLayer[] }>(address("api/outside/layers"), { signal })).layers;
}

export function readOutside(id: string, signal?: AbortSignal): Promise<OutsideLayer> {
  return askJson(address(`api/outside/layers/${id}`), { signal });
}

export async function forgetOutside(id: string): Promise<void> {
  await ask(address(`api/outside/layers/${id}`), { method: "DELETE" });
}

/** Return the template of a layer's tiles. */
export function outsideTiles(id: string): string {
  return `${address(`api/outside/layers/${id}/tiles`)}/{z}/{x}/{y}`;
}

export function outsideLegend(id: string): string {
  return address(`api/outside/layers/${id}/legend`);
}

export function readOutsideFeatures(id: string, bounds: Bounds, signal?: AbortSignal): Promise<FeatureCollection & { complete: boolean }> {
  return askJson(address(`api/outside/layers/${id}/features`, { bbox: bounds.map((value) => value.toFixed(6)).join(",") }), { signal });
}

/** Ask what a service tells of a point. */
export function askOutside(id: string, lon: number, lat: number, zoom: number, signal?: AbortSignal): Promise<Told> {
  return askJson(address(`api/outside/layers/${id}/at`, { lon, lat, zoom: Math.min(24, Math.max(0, zoom)) }), { signal });
}
