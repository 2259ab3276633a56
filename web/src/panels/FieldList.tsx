import { LockOutlined } from "../icons";
import { useState } from "react";
import type { Item, Layer, LayerField, Properties } from "../api/types";
import { pick } from "../format/text";
import { formatValue } from "../format/value";
import { useWords } from "../state/preferences";
import { useConfig, useTimeZone } from "../state/queries";
import { PersonalGate } from "./PersonalGate";
import { RefLink } from "./RefLink";

function Value({ field, value }: { field: LayerField; value: unknown }) {
  const { t, language } = useWords();
  const zone = useTimeZone();
  if (field.type === "reference" && typeof value === "number") return <RefLink layer={field.references!} fid={value} />;
  const text = formatValue(field, value, language, zone);
  return text ? <>{text}</> : <span className="none">{t("common.none")}</span>;
}

/** The fields of a feature with their titles; personal ones behind a reason. */
export function FieldList({ layer, item }: { layer: Layer; item: Item }) {
  const { t, language } = useWords();
  const [opened, setOpened] = useState<Properties | null>(null);
  const [bare, setBare] = useState(false);
  // The account a row belongs to is for the store; its reader sees the owner's name.
  const open = layer.fields.filter((field) => !field.personal && field.name !== layer.owned?.by);
  const personal = useConfig().data?.personal[layer.id] ?? [];
  const isEmpty = (field: LayerField) => (item.properties[field.name] ?? null) === null;
  const shown = open.filter((field) => bare || !isEmpty(field));
  const hidden = open.length - open.filter((field) => !isEmpty(field)).length;
  return (
    <>
      <dl className="fields">
        {shown.map((field) => (
          <div key={field.name}>
            <dt title={pick(field.description, language) || field.name}>{pick(field.title, language)}</dt>
            <dd><Value field={field} value={item.properties[field.name]} /></dd>
          </div>
        ))}
      </dl>
      {(hidden > 0 || bare) && (
        <button type="button" className="link-button" onClick={() => setBare(!bare)}>
          {t(bare ? "fields.hideEmpty" : "fields.showEmpty", { count: hidden })}
        </button>
      )}
      {personal.length > 0 && (
        <section className="personal" aria-label={t("feature.personal")}>
          <h3><LockOutlined /> {t("feature.personal")}</h3>
          {opened ? (
            <dl className="fields">
              {personal.map((field) => (
                <div key={field.name}>
                  <dt>{pick(field.title, language)}</dt>
                  <dd><Value field={field} value={opened[field.name]} /></dd>
                </div>
              ))}
            </dl>
          ) : <PersonalGate layer={layer} fid={item.id} opened={setOpened} />}
        </section>
      )}
      <p className="feature-id">{t("feature.id")} {item.id}</p>
    </>
  );
}
