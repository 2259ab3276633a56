import Button from "antd/es/button";
import Input from "antd/es/input";
import { useNotices } from "../state/notices";

/** What is shown once and never again, with a way to take it along. */
export function Secret({ text, note, copyName, copied }: { text: string; note: string; copyName: string; copied: string }) {
  const copy = async () => {
    await navigator.clipboard?.writeText(text);
    useNotices.getState().tell({ kind: "done", text: copied }, 3);
  };
  return (
    <div className="secret" role="status">
      <strong>{note}</strong>
      <div>
        <Input readOnly value={text} aria-label={note} onFocus={(event) => event.target.select()} />
        <Button onClick={() => void copy()}>{copyName}</Button>
      </div>
    </div>
  );
}
