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

  const leave = () => {
    setOpen(false);
    frame.current?.querySelector("button")?.focus();
  };
  // What closes must not take the place in the order of the keyboard along; a dialog that opens gives it back to the button.
  const choose = (act: () => void) => {
    leave();
    act();
  };
  const press = (event: KeyboardEvent) => {
    if (!open) return;
    if (event.key === "Escape" || event.key === "Tab") {
      if (event.key === "Tab") return setOpen(false);
      event.preventDefault();
      event.stopPropagation();
      return leave();
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
            <button key={key} type="button" role="menuitem" tabIndex={-1} onClick={() => choose(act)}>{icon}{label}</button>
          ))}
        </div>
      )}
    </div>
  );
}
