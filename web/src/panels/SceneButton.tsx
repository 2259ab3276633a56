import { GlobalOutlined } from "../icons";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

/** Changes between the map and the scene in three dimensions; camera, time and selection stay. */
export function SceneButton() {
  const { t } = useWords();
  const scene = useView((view) => view.scene);
  // What is seen on the button is part of its name.
  const name = `3D · ${t(scene ? "scene.close" : "scene.open")}`;
  return (
    <button type="button" className="bar-button" id="scene" aria-pressed={scene} aria-label={name} title={name}
      onClick={() => useView.getState().setScene(!scene)}>
      <GlobalOutlined /><span>3D</span>
    </button>
  );
}
