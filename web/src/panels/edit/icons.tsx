/** Icons of the tools that change a geometry: drawn here, so that each shows what its tool does. */
import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <span role="presentation" className="anticon tool-icon" aria-hidden="true">
      <svg viewBox="0 0 24 24" width="1.15em" height="1.15em" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" strokeLinecap="round">
        {children}
      </svg>
    </span>
  );
}

export const SplitIcon = () => <Icon><path d="M4 5h16v14H4z" /><path d="M14 2 10 22" strokeDasharray="3 2.4" /></Icon>;
export const MergeIcon = () => <Icon><path d="M3 6h8v12H3zM13 6h8v12h-8z" /><path d="M9 12h6" /></Icon>;
export const ReshapeIcon = () => <Icon><path d="M4 20V9h5l3-6 3 6h5v11z" /><path d="M9 9h6" strokeDasharray="2 2" /></Icon>;
export const HoleIcon = () => <Icon><path d="M3 4h18v16H3z" /><path d="M9 9h6v6H9z" /></Icon>;
export const FillIcon = () => <Icon><path d="M3 4h18v16H3z" /><path d="M9 9h6v6H9z" fill="currentColor" /></Icon>;
export const MoveIcon = () => <Icon><path d="M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3" /></Icon>;
export const ListIcon = () => <Icon><path d="M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01" /></Icon>;
export const RedoIcon = () => <Icon><path d="M20 9H9a5 5 0 0 0 0 10h6" /><path d="m16 5 4 4-4 4" /></Icon>;
export const CheckIcon = () => <Icon><path d="m4 12 5 6L20 6" /></Icon>;
