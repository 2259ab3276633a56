/** Short notices at the edge of the screen, read out by screen readers. */
import { create } from "zustand";

export interface Notice {
  id: number;
  kind: "done" | "fault" | "busy";
  text: string;
  action?: { text: string; run: () => void };
}

interface Notices {
  list: Notice[];
  tell: (notice: Omit<Notice, "id">, seconds?: number) => number;
  change: (id: number, text: string) => void;
  drop: (id: number) => void;
}

let numbers = 0;

export const useNotices = create<Notices>()((set, get) => ({
  list: [],
  tell: (notice, seconds = 6) => {
    const id = (numbers += 1);
    set(({ list }) => ({ list: [...list.slice(-2), { ...notice, id }] }));
    if (seconds > 0) window.setTimeout(() => get().drop(id), seconds * 1000);
    return id;
  },
  change: (id, text) => set(({ list }) => ({ list: list.map((n) => (n.id === id ? { ...n, text } : n)) })),
  drop: (id) => set(({ list }) => ({ list: list.filter((notice) => notice.id !== id) })),
}));
