import { CloseCircleFilled, LoadingOutlined, SearchOutlined } from "../icons";
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useRef, useState } from "react";
import type { SearchHit } from "../api/types";
import { pick } from "../format/text";
import { isMessage, useWords } from "../state/preferences";
import { useLayers, useSearch } from "../state/queries";
import { useView } from "../state/view";
import { useErrorText } from "./PanelState";

const PAUSE_MS = 120;

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return settled;
}

/** Search by name, address, code or initials; arrows choose, Enter flies there. */
export function SearchBox() {
  const { t, language } = useWords();
  const layers = useLayers();
  const textOf = useErrorText();
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const asked = useSettled(useDeferredValue(text.trim()));
  const found = useSearch(asked);
  const hits = asked ? found.data ?? [] : [];

  useEffect(() => setActive(0), [asked]);

  const go = (hit: SearchHit) => {
    setOpen(false);
    input.current?.blur();
    const view = useView.getState();
    view.select([{ layer: hit.layer, fid: hit.fid }]);
    if (hit.center) view.fly({ bounds: [...hit.center, ...hit.center], zoom: Math.max(view.camera?.zoom ?? 0, 16.5) });
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((now) => (hits.length === 0 ? 0 : (now + step + hits.length) % hits.length));
    } else if (event.key === "Enter" && hits[active]) go(hits[active]);
    else if (event.key === "Escape") {
      event.preventDefault();
      if (open && text) setOpen(false);
      else input.current?.blur();
    }
  };
  const wordOf = (key: string) => (isMessage(key) ? t(key) : "");
  const foundHow = (hit: SearchHit) => [wordOf(`match.${hit.match}`), hit.level && wordOf(`level.${hit.level}`)].filter(Boolean).join(" · ");
  const showing = open && asked.length > 0;
  return (
    <div className="search" role="search">
      {found.isFetching ? <LoadingOutlined className="search-icon" /> : <SearchOutlined className="search-icon" />}
      <input ref={input} id="search" type="text" role="combobox" autoComplete="off" spellCheck={false}
        aria-label={t("search.label")} aria-expanded={showing} aria-controls={list} aria-autocomplete="list"
        aria-activedescendant={showing && hits[active] ? `${list}-${active}` : undefined}
        placeholder={t("search.placeholder")} title={t("search.shortcut")} value={text}
        onChange={(event) => { setText(event.target.value); setOpen(true); }}
        onFocus={() => setOpen(true)} onBlur={() => window.setTimeout(() => setOpen(false), 150)} onKeyDown={press} />
      {text ? (
        <button type="button" className="quiet" aria-label={t("common.clear")} onClick={() => { setText(""); input.current?.focus(); }}>
          <CloseCircleFilled />
        </button>
      ) : <kbd aria-hidden="true">/</kbd>}
      {showing && (
        <ul className="search-list" id={list} role="listbox" aria-label={t("search.label")}>
          {found.isError && <li className="search-note" role="alert">{textOf(found.error)}</li>}
          {found.isSuccess && !found.isPlaceholderData && hits.length === 0 && (
            <li className="search-note"><strong>{t("search.empty", { text: asked })}</strong>{t("search.hint")}</li>
          )}
          {hits.map((hit, index) => (
            <li key={`${hit.layer}.${hit.fid}`} id={`${list}-${index}`} role="option" aria-selected={index === active}
              onMouseEnter={() => setActive(index)} onMouseDown={(event) => { event.preventDefault(); go(hit); }}>
              <span className="search-label">{hit.label}</span>
              <span className="search-layer">{pick(layers.find((layer) => layer.id === hit.layer)?.title, language)}</span>
              {hit.detail && <span className="search-detail">{hit.detail}</span>}
              <span className="search-match" data-match={hit.match}>{foundHow(hit)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
