import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";
import { fetchedEarly } from "./vite.early";
import { globeFiles } from "./vite.globe";
import { reportFiles } from "./vite.report";

// The client may be served below a path (GIS_PUBLIC_URL), so every address in it is relative.
// In development the running server answers what the client asks for.
const DEFAULT_SERVER = "http://127.0.0.1:8000";

export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [react(), globeFiles(), reportFiles(), fetchedEarly("MapView")],
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      output: {
        advancedChunks: {
          groups: [
            { name: "maplibre", test: /node_modules[\\/]maplibre-gl/ },
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
