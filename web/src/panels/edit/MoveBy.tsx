import Button from "antd/es/button";
import InputNumber from "antd/es/input-number";
import { useState } from "react";
import { moveBy } from "../../state/operations";
import { useWords } from "../../state/preferences";

/** Move the geometry by metres and turn it by degrees: the server does it in the city's projected system. */
export function MoveBy() {
  const { t } = useWords();
  const [move, setMove] = useState({ east: 0, north: 0, turn: 0 });
  const field = (name: keyof typeof move, most: number) => (
    <label>
      {t(`edit.${name}`)}
      <InputNumber value={move[name]} min={-most} max={most} step={name === "turn" ? 5 : 1} aria-label={t(`edit.${name}`)}
        onChange={(value) => setMove({ ...move, [name]: value ?? 0 })} />
    </label>
  );
  return (
    <div className="move-by">
      {field("east", 100_000)}
      {field("north", 100_000)}
      {field("turn", 360)}
      <Button disabled={!move.east && !move.north && !move.turn} onClick={() => void moveBy(move.east, move.north, move.turn)}>{t("edit.moveApply")}</Button>
    </div>
  );
}
