import Button from "antd/es/button";
import Input from "antd/es/input";
import InputNumber from "antd/es/input-number";
import Select from "antd/es/select";
import { useState } from "react";
import { PALETTES, ramp } from "../format/palette";
import { pick } from "../format/text";
import { Empty } from "../panels/PanelState";
import { CLASSED } from "../state/themes";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { useView } from "../state/view";
import type { Method, Theme, ThemeKind } from "../state/work";
import { KeptThemes } from "./KeptThemes";
import { PublishedStyles } from "./PublishedStyles";
import { ThemeLegend } from "./ThemeLegend";
import { firstValue, numbersOf, ValueForm } from "./ValueForm";
import "../styles/statistics.css";
import "../styles/query.css";
import "../styles/thematic.css";

const KINDS: ThemeKind[] = ["choropleth", "graduated", "bivariate", "heat", "cluster", "charts"];
const METHODS: Method[] = ["quantile", "jenks", "equal", "deviation", "manual"];
const MOST_BREAKS = 8;

function breaksOf(text: string): number[] {
  const numbers = text.split(/[,，;；\s]+/).filter(Boolean).map(Number).filter(Number.isFinite);
  return [...new Set(numbers)].sort((a, b) => a - b).slice(0, MOST_BREAKS);
}

/** Make a thematic map of a layer: what is mapped, in which classes and colours. */
export default function ThemePage() {
  const { t, language } = useWords();
  const all = useLayers();
  const layers = all.filter((layer) => layer.kind === "spatial");
  const themes = useView((view) => view.work.themes);
  const [chosen, setChosen] = useState<string | null>(null);
  const [breaks, setBreaks] = useState("");
  const layer = layers.find((each) => each.id === (chosen ?? Object.keys(themes)[0])) ?? layers.find((each) => each.group === "admin" && each.fields.some((field) => field.name === "population")) ?? layers[0];
  if (!layer) return <Empty title={t("layers.empty")} />;
  const theme = themes[layer.id];
  const put = (next: Theme | undefined) => {
    const { work, setWork, show } = useView.getState();
    const { [layer.id]: _, ...others } = work.themes;
    setWork({ themes: next ? { ...others, [layer.id]: next } : others });
    if (next) show([layer.id], true);
  };
  const classFields = layer.fields.filter((field) => (field.type === "code" || field.type === "boolean") && !field.personal);
  const begin = (kind: ThemeKind) => {
    const value = theme?.value ?? firstValue(layer, layers);
    const second = theme?.second ?? (numbersOf(layer).length > 1 ? { field: numbersOf(layer).find((field) => field.name !== value.field)?.name, per: value.per } : value);
    put({
      kind, value, ...(kind === "bivariate" ? { second } : {}), method: theme?.method ?? "quantile", classes: theme?.classes ?? 5, palette: theme?.palette ?? "blue",
      ...(theme?.breaks ? { breaks: theme.breaks } : {}),
      ...(kind === "charts" ? { by: theme?.by ?? (classFields.find((field) => field.name === layer.symbology?.field) ?? classFields[0])?.name } : {}),
    });
  };
  const valued = theme && CLASSED.includes(theme.kind);
  return (
    <div className="work-page">
      <label className="work-line"><span>{t("work.layer")}</span>
        <Select aria-label={t("work.layer")} value={layer.id} onChange={setChosen} showSearch={{ optionFilterProp: "label" }}
          options={layers.map((each) => ({ value: each.id, label: `${themes[each.id] ? "● " : ""}${pick(each.title, language)}` }))} /></label>
      <div className="theme-kinds" role="group" aria-label={t("theme.kind")}>
        {KINDS.map((kind) => (
          <Button key={kind} aria-pressed={theme?.kind === kind} type={theme?.kind === kind ? "primary" : "default"}
            disabled={(kind === "charts" && classFields.length === 0) || (CLASSED.includes(kind) && numbersOf(layer).length === 0 && firstValue(layer, layers).of === undefined)}
            onClick={() => begin(kind)}>{t(`theme.${kind}`)}</Button>
        ))}
      </div>
      {!theme && <Empty title={t("theme.none")} hint={t("theme.noneHint")} />}
      {theme && valued && (
        <>
          <ValueForm layer={layer} layers={layers} value={theme.value} change={(value) => put({ ...theme, value })} label={t("theme.value")} />
          {theme.kind === "bivariate" && theme.second
            ? <ValueForm layer={layer} layers={layers} value={theme.second} change={(second) => put({ ...theme, second })} label={t("theme.second")} />
            : (
              <>
                <label className="work-line"><span>{t("theme.method")}</span>
                  <Select aria-label={t("theme.method")} value={theme.method} onChange={(method) => put({ ...theme, method })}
                    options={METHODS.map((each) => ({ value: each, label: t(`theme.${each}`) }))} /></label>
                {theme.method === "manual" ? (
                  <label className="work-line"><span>{t("theme.breaks")}</span>
                    <Input aria-label={t("theme.breaks")} placeholder="10, 20, 50" defaultValue={theme.breaks?.join(", ") ?? ""} onChange={(event) => setBreaks(event.target.value)}
                      onBlur={() => put({ ...theme, breaks: breaksOf(breaks) })} onPressEnter={() => put({ ...theme, breaks: breaksOf(breaks) })} /></label>
                ) : (
                  <label className="work-line"><span>{t("theme.classes")}</span>
                    <InputNumber aria-label={t("theme.classes")} min={2} max={9} value={theme.classes} onChange={(classes) => classes && put({ ...theme, classes })} /></label>
                )}
              </>
            )}
        </>
      )}
      {theme?.kind === "charts" && (
        <label className="work-line"><span>{t("charts.by")}</span>
          <Select aria-label={t("charts.by")} value={theme.by} onChange={(by) => put({ ...theme, by })}
            options={classFields.map((field) => ({ value: field.name, label: pick(field.title, language) }))} /></label>
      )}
      {theme && theme.kind !== "bivariate" && theme.kind !== "charts" && theme.kind !== "heat" && (
        <div className="work-line"><span>{t("theme.palette")}</span>
          <div className="palettes" role="group" aria-label={t("theme.palette")}>
            {PALETTES.map((name) => (
              <button key={name} type="button" aria-label={t("theme.paletteOf", { name })} aria-pressed={theme.palette === name} onClick={() => put({ ...theme, palette: name })}>
                {ramp(name, 5).map((color) => <i key={color} style={{ background: color }} />)}
              </button>
            ))}
          </div>
        </div>
      )}
      {theme && <ThemeLegend layer={layer} theme={theme} />}
      {theme && <div className="work-buttons"><Button onClick={() => put(undefined)}>{t("theme.remove")}</Button></div>}
      <KeptThemes layer={layer} theme={theme} load={put} />
      <PublishedStyles key={`styles-${layer.id}`} layer={layer} theme={theme} />
    </div>
  );
}
