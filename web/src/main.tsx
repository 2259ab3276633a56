import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { askFirst } from "./state/first";
import { useSession } from "./state/session";
import { linkToAddress, useView } from "./state/view";
import "./styles/base.css";
import "./styles/bar.css";
import "./styles/map.css";
import "./styles/card.css";
import "./styles/scene.css";
import "./styles/analysis.css";
import "./styles/panels.css";
import "./styles/states.css";
import "./styles/feature.css";
import "./styles/versions.css";
import "./styles/table.css";
import "./styles/edit.css";
import "./styles/phone.css";

askFirst();
useView.getState().follow(window.location.hash);
// The map is fetched while the desk around it is drawn.
if (!useView.getState().scene) void import("./map/MapView");
linkToAddress();
// Whoever is not known to be signed in is the public.
void useSession.getState().load().catch(() => useSession.setState({ known: true }));

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
