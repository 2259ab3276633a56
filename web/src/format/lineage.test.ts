import { describe, expect, it } from "vitest";
import { layOut } from "./lineage";

const parcel = (fid: number) => ({ layer: "parcel", fid });
const event = (id: number, kind: string, from: number[], to: number[]) => ({ id, kind, at: "2000-01-01", predecessors: from.map(parcel), successors: to.map(parcel) });

describe("a lineage", () => {
  it("stands in columns by what came first", () => {
    const { nodes, edges, columns, rows } = layOut([event(1, "split", [1], [2, 3]), event(2, "merge", [3, 4], [5])]);
    expect(Object.fromEntries(nodes.map((node) => [node.fid, node.column]))).toEqual({ 1: 0, 2: 1, 3: 1, 4: 0, 5: 2 });
    expect(edges.map(({ from, to }) => [from.fid, to.fid])).toEqual([[1, 2], [1, 3], [3, 5], [4, 5]]);
    expect([columns, rows]).toEqual([3, 2]);
  });

  it("is empty where nothing leads to anything", () => {
    expect(layOut([event(1, "build", [], [2])])).toEqual({ nodes: [], edges: [], columns: 0, rows: 0 });
  });

  it("ends also where somebody recorded a circle", () => {
    expect(layOut([event(1, "split", [1], [2]), event(2, "merge", [2], [1])]).nodes).toHaveLength(2);
  });
});
