import { askFirst } from "./state/first";
import { loadWords, usePreferences } from "./state/preferences";
import { useSession } from "./state/session";
import { linkToAddress, useView } from "./state/view";
import "./styles/base.css";
import "./styles/first.css";
import "./styles/bar.css";
import "./styles/map.css";
import "./styles/card.css";
import "./styles/scene.css";
import "./styles/analysis.css";
import "./styles/panels.css";
import "./styles/outside.css";
import "./styles/states.css";
import "./styles/feature.css";
import "./styles/versions.css";
import "./styles/table.css";
import "./styles/edit.css";
import "./styles/phone.css";

// How soon the map is there is what people wait for. It needs its program, the city and the style, and these are asked for at once; the
// desk around it is fetched beside them and drawn on top.
askFirst();
useView.getState().follow(window.location.hash);
const { language, theme, display } = usePreferences.getState();
Object.assign(document.documentElement.dataset, { theme, display });
const map = useView.getState().scene ? Promise.resolve() : import("./map/MapView").then(({ begin }) => begin());
const words = loadWords(language);
linkToAddress();
// Whoever is not known to be signed in is the public.
void useSession.getState().load().catch(() => useSession.setState({ known: true }));

// A map that has to wait for its city keeps nobody from reading the desk.
const PATIENCE_MS = 400;

async function open(): Promise<void> {
  const root = document.getElementById("root")!;
  try {
    const [{ openDesk }] = await Promise.all([import("./desk"), words, Promise.race([map, new Promise((done) => setTimeout(done, PATIENCE_MS))])]);
    openDesk(root);
  } catch (error) {
    root.querySelector("[role=status]")?.replaceChildren("无法加载程序，请检查网络后刷新页面。 The program could not be loaded: check the connection and reload the page.");
    throw error;
  }
}

void open();
