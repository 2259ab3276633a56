import { useQuery } from "@tanstack/react-query";
import Select from "antd/es/select";
import { useState } from "react";
import { readPage } from "../../api/items";
import { toCql2 } from "../../format/condition";
import { labelOf } from "../../format/label";
import { useWords } from "../../state/preferences";
import { useItem, useLayer } from "../../state/queries";

const OFFERED = 20;

/** Choose a feature of another layer by what it is called, or by its number. */
export function RefInput({ id, layer: layerId, value, change }: {
  id: string; layer: string; value: number | null; change: (fid: number | null) => void;
}) {
  const { t, language } = useWords();
  const layer = useLayer(layerId);
  const [text, setText] = useState("");
  const current = useItem(layer && value !== null ? { layer: layerId, fid: value } : null);
  const named = layer?.fields.find((field) => field.name === layer.label && field.type === "string");
  const offered = useQuery({
    queryKey: ["offered", layerId, text],
    queryFn: async ({ signal }) => {
      const filter = text && named ? toCql2([{ field: named.name, op: "like", value: text }], layer!.fields) : null;
      return (await readPage({ layer: layerId, filter, properties: [layer!.label, layer!.key].filter((name) => name !== undefined) },
        { limit: OFFERED }, signal)).features;
    },
    enabled: layer !== undefined,
  });
  const options = new Map((offered.data ?? []).map((item) => [item.id, labelOf(layer!, item, language)]));
  if (value !== null) options.set(value, current.data && layer ? labelOf(layer, current.data, language) : `#${value}`);
  if (/^\d{1,15}$/.test(text)) options.set(Number(text), `#${text}`);
  return (
    <Select id={id} allowClear value={value ?? undefined} placeholder={t("edit.ref")} loading={offered.isFetching}
      showSearch={{ filterOption: false, onSearch: setText }} onChange={(next) => change((next as number | undefined) ?? null)}
      options={[...options].map(([fid, label]) => ({ value: fid, label }))} />
  );
}
