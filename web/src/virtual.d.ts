/** The address of the map's worker; the build makes it (`vite.maplibre.ts`). */
declare module "virtual:map-worker" {
  const address: string;
  export default address;
}
