import Select from "antd/es/select";
import { pick } from "../format/text";
import { ANNOTATIONS } from "../state/plot";
import { useWords } from "../state/preferences";
import { useLayer } from "../state/queries";

/** Who sees a mark: oneself, one's role, all. Of a saved one only its owner decides; `owner` is absent for new ones. */
export function SeenBy({ value, owner, change }: { value: string; owner?: unknown; change: (seenBy: string) => void }) {
  const { t, language } = useWords();
  const layer = useLayer(ANNOTATIONS);
  const codes = layer?.fields.find((field) => field.name === layer.owned?.seen_by)?.codes ?? {};
  const me = Object.keys(codes).find((code) => code.startsWith("person:")) ?? "";
  const rank = (code: string) => (code === me ? 0 : code === "all" ? 2 : 1);
  return (
    <Select value={value || (owner === undefined ? me : "all")} aria-label={t("plot.seenBy")} disabled={owner !== undefined && owner !== me} onChange={change}
      options={Object.keys(codes).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b)).map((code) => ({ value: code, label: pick(codes[code], language) }))} />
  );
}
