/** A graph of predecessors and successors, laid out: what comes later stands further to the right. */
export interface Named {
  layer: string;
  fid: number;
}

export interface Happening {
  id: number;
  kind: string;
  at: string | null;
  predecessors: Named[];
  successors: Named[];
}

export interface Node extends Named {
  column: number;
  row: number;
}

export interface Edge<T extends Happening> {
  from: Node;
  to: Node;
  event: T;
}

/** Place the features of some events in columns, each right of all it came from, and join them. */
export function layOut<T extends Happening>(events: T[]): { nodes: Node[]; edges: Edge<T>[]; columns: number; rows: number } {
  const nodes = new Map<string, Node>();
  const place = (named: Named) => {
    const key = `${named.layer}.${named.fid}`;
    const found = nodes.get(key) ?? { layer: named.layer, fid: named.fid, column: 0, row: 0 };
    nodes.set(key, found);
    return found;
  };
  const edges = events.flatMap((event) => event.predecessors.flatMap((from) => event.successors.map((to) => ({ from: place(from), to: place(to), event }))));
  // Each round moves what stands too far to the left; without circles there are at most as many rounds as features.
  for (let round = 0; round < nodes.size; round += 1) {
    let isDone = true;
    for (const { from, to } of edges) {
      if (to.column > from.column || from.column >= nodes.size) continue;
      to.column = from.column + 1;
      isDone = false;
    }
    if (isDone) break;
  }
  const heights = new Map<number, number>();
  const sorted = [...nodes.values()].sort((a, b) => a.column - b.column || a.fid - b.fid);
  for (const node of sorted) {
    node.row = heights.get(node.column) ?? 0;
    heights.set(node.column, node.row + 1);
  }
  return { nodes: sorted, edges, columns: Math.max(0, ...heights.keys()) + (sorted.length > 0 ? 1 : 0), rows: Math.max(0, ...heights.values()) };
}
