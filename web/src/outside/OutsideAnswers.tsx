import { CloseOutlined } from "../icons";
import { Loading } from "../panels/PanelState";
import { type OutsideAnswer, useOutside } from "../state/outside";
import { useWords } from "../state/preferences";

function Answer({ answer }: { answer: OutsideAnswer }) {
  const { t } = useWords();
  const { features, text, fault, busy, title } = answer;
  const told = features.filter((feature) => Object.keys(feature).length > 0);
  return (
    <section data-layer={answer.id}>
      <h3>{title}</h3>
      {busy ? <Loading rows={2} /> : fault ? <p className="outside-fault" role="alert">{fault}</p>
        : told.length === 0 && !text ? <p className="layer-hint">{t("outside.nothing")}</p> : (
          <>
            {told.map((feature, index) => (
              <dl key={index}>
                {Object.entries(feature).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{String(value)}</dd></div>)}
              </dl>
            ))}
            {text && <pre>{text}</pre>}
          </>
        )}
    </section>
  );
}

/** What the layers of other services told of the clicked point; as text, whatever it says. */
export default function OutsideAnswers() {
  const { t } = useWords();
  const answers = useOutside((outside) => outside.answers);
  return (
    <aside className="panel outside-answers" aria-label={t("outside.answers")}>
      <header className="panel-head">
        <h2>{t("outside.answers")}</h2>
        <button type="button" className="quiet" aria-label={t("common.close")} onClick={() => useOutside.setState({ answers: [] })}><CloseOutlined /></button>
      </header>
      <div className="panel-body" role="group" tabIndex={0} aria-label={t("outside.answers")}>{answers.map((answer) => <Answer key={answer.id} answer={answer} />)}</div>
    </aside>
  );
}
