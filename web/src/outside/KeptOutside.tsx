import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { forgetOutside, type OutsideLayer } from "../api/outside";
import { DeleteOutlined, PlusOutlined } from "../icons";
import { Failure, Loading } from "../panels/PanelState";
import { putOutside, saidOf, useKeptOutside } from "../state/outside";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

/** The layers that one keeps: put on the map again, or kept no more. */
export function KeptOutside() {
  const { t } = useWords();
  const client = useQueryClient();
  const kept = useKeptOutside(true);
  const there = useView((view) => view.work.outside);
  const [fault, setFault] = useState("");
  const forget = async (layer: OutsideLayer) => {
    try {
      await forgetOutside(layer.id);
      await client.invalidateQueries({ queryKey: ["outside-kept"] });
    } catch (error) {
      setFault(saidOf(error));
    }
  };
  if (kept.isPending) return <Loading rows={2} />;
  if (kept.isError) return <Failure error={kept.error} retry={() => void kept.refetch()} />;
  if (kept.data.length === 0) return null;
  return (
    <section className="outside-kept">
      <h3>{t("outside.kept")}</h3>
      {fault && <p className="form-fault" role="alert">{fault}</p>}
      <ul className="admin-list">
        {kept.data.map((layer) => (
          <li key={layer.id}>
            <div>
              <strong>{layer.title}</strong>
              <small>{layer.allowed ? `${layer.service} · ${layer.origin}${layer.time ? ` · ${layer.time}` : ""}` : t("outside.gone", { origin: layer.origin })}</small>
            </div>
            <button type="button" className="quiet" aria-label={t("outside.putKept", { layer: layer.title })} title={t("outside.putKept", { layer: layer.title })}
              disabled={!layer.allowed || there.includes(layer.id)} onClick={() => putOutside([layer])}><PlusOutlined /></button>
            <button type="button" className="quiet" aria-label={t("outside.forget", { layer: layer.title })} title={t("outside.forget", { layer: layer.title })}
              onClick={() => void forget(layer)}><DeleteOutlined /></button>
          </li>
        ))}
      </ul>
    </section>
  );
}
