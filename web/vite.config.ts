import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";
import { firstView, workerAlone } from "./vite.chunks";
import { fetchedEarly } from "./vite.early";
import { globeFiles } from "./vite.globe";
import { mapFromSource } from "./vite.maplibre";
import { packedFiles } from "./vite.packed";
import { reportFiles } from "./vite.report";
import { wordsByLanguage } from "./vite.words";

// The client may be served below a path (GIS_PUBLIC_URL), so every address in it is relative.
// In development the running server answers what the client asks for.
const DEFAULT_SERVER = "http://127.0.0.1:8000";

export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [mapFromSource(), wordsByLanguage(), react(), globeFiles(), reportFiles(), fetchedEarly("map", "shell"), workerAlone(), packedFiles()],
  build: {
    target: "es2022",
    // Every browser that draws the map knows how to load ahead.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: firstView(import.meta.dirname), debugName: "first view", priority: 2, includeDependenciesRecursively: false },
            { name: "globe", test: /node_modules[\\/]@cesium/ },
          ],
        },
      },
    },
  },
  worker: { format: "es" },
  server: {
    proxy: Object.fromEntries(
      ["/ogc", "/api", "/auth"].map((path) => [path, { target: loadEnv(mode, ".", "GIS_").GIS_SERVER ?? DEFAULT_SERVER, changeOrigin: false }]),
    ),
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
}));
