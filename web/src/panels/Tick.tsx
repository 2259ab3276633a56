import { useEffect, useRef } from "react";

interface Ticked {
  label: string;
  checked: boolean;
  /** Some of what it stands for is there. */
  indeterminate?: boolean;
  disabled?: boolean;
  change: (checked: boolean) => void;
}

/** A box to tick, of the browser itself: the tree of layers has many, and they are the first that one sees. */
export function Tick({ label, checked, indeterminate = false, disabled, change }: Ticked) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = indeterminate;
  }, [indeterminate]);
  return <input ref={box} type="checkbox" className="tick" aria-label={label} checked={checked} disabled={disabled} onChange={(event) => change(event.target.checked)} />;
}
