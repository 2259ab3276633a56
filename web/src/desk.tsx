import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";

/** Draw the desk in its place. */
export function openDesk(root: HTMLElement): void {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
