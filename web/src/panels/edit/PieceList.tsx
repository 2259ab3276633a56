import Button from "antd/es/button";
import Input from "antd/es/input";
import { pick } from "../../format/text";
import { formatNumber } from "../../format/value";
import { type Draft, useDraft } from "../../state/draft";
import { useWords } from "../../state/preferences";
import { useCity } from "../../state/queries";

/** The features that a split makes: each with its number and the area that the server measured. */
export function PieceList({ draft }: { draft: Draft }) {
  const { t, language } = useWords();
  const city = useCity();
  const key = draft.layer.fields.find((field) => field.name === draft.layer.key && field.type === "string");
  const pieces = draft.pieces ?? [];
  return (
    <section className="pieces" aria-label={t("edit.pieces", { count: pieces.length })}>
      <h3>{t("edit.pieces", { count: pieces.length })}</h3>
      <p className="form-note">{t("edit.ownChanges")}</p>
      <ol>
        {pieces.map((piece, index) => (
          <li key={index}>
            <strong>{t("edit.piece", { number: index + 1 })}</strong>
            {key && (
              <label>
                {pick(key.title, language)}
                <Input aria-label={`${t("edit.piece", { number: index + 1 })} ${pick(key.title, language)}`} maxLength={key.max_length}
                  value={(piece.values[key.name] as string | null | undefined) ?? ""}
                  onChange={(event) => useDraft.getState().setPieceValue(index, key.name, event.target.value || null)} />
              </label>
            )}
            <small data-area={piece.areaM2 ?? undefined} data-length={piece.lengthM}>
              {piece.areaM2 !== null ? t("edit.areaGrid", { area: formatNumber(piece.areaM2, language, 2), srid: city?.projected_srid ?? "" })
                : t("edit.lengthGrid", { length: formatNumber(piece.lengthM, language, 2), srid: city?.projected_srid ?? "" })}
            </small>
          </li>
        ))}
      </ol>
      <Button onClick={() => useDraft.getState().undoGeometry()}>{t("edit.piecesUndo")}</Button>
    </section>
  );
}
