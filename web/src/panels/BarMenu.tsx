import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

export interface MenuEntry {
  key: string;
  icon?: ReactNode;
  label: ReactNode;
  act: () => void;
}

/** A button of the bar that opens a short menu: arrows walk in it, Escape and a press beside it close it. */
export function BarMenu({ button, className, name, head, entries }: {
  button: ReactNode; className: string; name?: string; head?: string; entries: MenuEntry[];
}) {
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);

  useEffect(() => {
    if (!open) return undefined;
    frame.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const beside = (event: Event) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    window.addEventListener("pointerdown", beside);
    return () => window.removeEventListener("pointerdown", beside);
  }, [open]);

  const press = (event: KeyboardEvent) => {
    if (!open) return;
    if (event.key === "Escape" || event.key === "Tab") {
      setOpen(false);
      if (event.key === "Tab") return;
      event.preventDefault();
      event.stopPropagation();
      frame.current?.querySelector("button")?.focus();
      return;
    }
    const items = [...frame.current!.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    items[to % items.length]?.focus();
  };
  return (
    <div className="bar-menu" ref={frame} onKeyDown={press}>
      <button type="button" className={className} aria-label={name} title={name} aria-haspopup="menu" aria-expanded={open} aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}>{button}</button>
      {open && (
        <div className="bar-menu-list" id={id} role="menu">
          {head && <p role="presentation">{head}</p>}
          {entries.map(({ key, icon, label, act }) => (
            <button key={key} type="button" role="menuitem" tabIndex={-1} onClick={() => { setOpen(false); act(); }}>{icon}{label}</button>
          ))}
        </div>
      )}
    </div>
  );
}
