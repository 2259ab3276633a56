import Button from "antd/es/button";
import Checkbox from "antd/es/checkbox";
import Input from "antd/es/input";
import Select from "antd/es/select";
import { useState } from "react";
import type { Bounds, OfferedLayer, OutsideService } from "../api/outside";
import { Empty } from "../panels/PanelState";
import { useWords } from "../state/preferences";
import { useView } from "../state/view";

export interface Chosen {
  layer: string;
  style: string;
  time: string;
}

const MANY = 8;
const MOST_SHOWN = 300;

function meets(a: Bounds | null, b: Bounds | null): boolean {
  return !a || !b || (a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1]);
}

function answers(layer: OfferedLayer, service: OutsideService, text: string): boolean {
  const said = [layer.name, layer.title, layer.abstract, ...layer.path, service.title, service.attribution].join("\n").toLocaleLowerCase();
  return text.toLocaleLowerCase().split(/\s+/).every((word) => said.includes(word));
}

function Offered({ layer, chosen, away, choose }: { layer: OfferedLayer; chosen: Chosen | undefined; away: boolean; choose: (chosen: Chosen | null) => void }) {
  const { t } = useWords();
  const facts = [layer.path.join(" / "), layer.crs.slice(0, 3).join(", "), layer.formats[0], layer.warped && t("outside.warped"), away && t("outside.elsewhere")].filter(Boolean);
  return (
    <li data-name={layer.name} data-drawable={layer.drawable}>
      <Checkbox checked={chosen !== undefined} disabled={!layer.drawable}
        onChange={(event) => choose(event.target.checked ? { layer: layer.name, style: "", time: "" } : null)}>
        <strong>{layer.title}</strong>
      </Checkbox>
      {layer.abstract && <p>{layer.abstract}</p>}
      <small>{layer.drawable ? facts.join(" · ") : t("outside.cannot", { why: layer.why ?? "" })}</small>
      {chosen && (layer.styles.length > 1 || layer.times.length > 0) && (
        <div className="offered-more">
          {layer.styles.length > 1 && (
            <Select aria-label={t("outside.style")} value={chosen.style} popupMatchSelectWidth={false} onChange={(style) => choose({ ...chosen, style })}
              options={[{ value: "", label: t("outside.defaultStyle") }, ...layer.styles.map(({ name, title }) => ({ value: name, label: title }))]} />
          )}
          {layer.times.length > 0 && (
            <Select aria-label={t("outside.time")} value={chosen.time} showSearch popupMatchSelectWidth={false} onChange={(time) => choose({ ...chosen, time })}
              options={[{ value: "", label: t("outside.defaultTime") }, ...[...layer.times].reverse().map((time) => ({ value: time, label: time }))]} />
          )}
        </div>
      )}
    </li>
  );
}

/** The layers that a service offers: looked through, ticked, added. */
export function OfferedList({ service, busy, put }: { service: OutsideService; busy: boolean; put: (chosen: Chosen[]) => void }) {
  const { t } = useWords();
  const bounds = useView((view) => view.bounds);
  const [text, setText] = useState("");
  const [only, setOnly] = useState(false);
  const [chosen, setChosen] = useState<Record<string, Chosen>>({});
  const listed = service.layers.filter((layer) => answers(layer, service, text.trim()) && (!only || meets(layer.extent, bounds)));
  const wishes = Object.values(chosen);
  const choose = (name: string, wish: Chosen | null) => setChosen(({ [name]: _, ...others }) => (wish ? { ...others, [name]: wish } : others));
  return (
    <section className="offered">
      <header>
        <h3>{service.title}</h3>
        <small>{[t("outside.by", { owner: service.attribution || service.title }), t("outside.layers", { count: service.layers.length })].join(" · ")}</small>
      </header>
      {service.layers.length > MANY && (
        <div className="offered-search">
          <Input type="search" aria-label={t("outside.filter")} placeholder={t("outside.filter")} value={text} onChange={(event) => setText(event.target.value)} />
          <Checkbox checked={only} onChange={(event) => setOnly(event.target.checked)}>{t("outside.only")}</Checkbox>
        </div>
      )}
      {listed.length === 0 ? <Empty title={t(service.layers.length === 0 ? "outside.empty" : "outside.none")} /> : (
        <ul className="offered-list" tabIndex={0} aria-label={service.title}>
          {listed.slice(0, MOST_SHOWN).map((layer) => (
            <Offered key={layer.name} layer={layer} chosen={chosen[layer.name]} away={!meets(layer.extent, bounds)} choose={(wish) => choose(layer.name, wish)} />
          ))}
        </ul>
      )}
      <div className="admin-buttons">
        <Button type="primary" loading={busy} disabled={wishes.length === 0} onClick={() => put(wishes)}>{t("outside.put", { count: wishes.length })}</Button>
      </div>
    </section>
  );
}
