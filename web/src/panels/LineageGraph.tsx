import { useQuery } from "@tanstack/react-query";
import { readPage } from "../api/items";
import { type LineageEvent, readLineage } from "../api/timeline";
import { layOut, type Node } from "../format/lineage";
import type { MessageKey } from "../format/messages.zh";
import { useWords } from "../state/preferences";
import { useLayers } from "../state/queries";
import { type Ref, sameRef, useView } from "../state/view";

const WIDTH = 96;
const HEIGHT = 30;
const GAP_X = 74;
const GAP_Y = 12;
const KINDS = new Set(["split", "merge", "renumber", "build", "demolish"]);

/** Read the names of features of one layer, also of those that are no more. */
function useNames(nodes: Node[], layer: string): Map<number, string> {
  const layers = useLayers();
  const label = layers.find((each) => each.id === layer)?.label;
  const fids = nodes.filter((node) => node.layer === layer).map((node) => node.fid);
  const names = useQuery({
    queryKey: ["names", layer, fids],
    queryFn: async ({ signal }) => {
      const filter = { op: "in", args: [{ property: "id" }, fids] };
      const page = await readPage({ layer, datetime: "../..", filter, properties: [label!] }, { limit: 200 }, signal);
      return new Map(page.features.map((item) => [item.id, String(item.properties[label!] ?? "")]));
    },
    enabled: Boolean(label) && fids.length > 0,
  });
  return names.data ?? new Map();
}

function Graph({ events, current }: { events: LineageEvent[]; current: Ref }) {
  const { t } = useWords();
  const { nodes, edges, columns, rows } = layOut(events);
  const names = useNames(nodes, current.layer);
  const x = (node: Node) => node.column * (WIDTH + GAP_X);
  const y = (node: Node) => node.row * (HEIGHT + GAP_Y) + 6;
  const size = { width: columns * (WIDTH + GAP_X) - GAP_X + 8, height: rows * (HEIGHT + GAP_Y) + 4 };
  const open = (node: Node) => useView.getState().select([{ layer: node.layer, fid: node.fid }]);
  return (
    <div className="lineage-frame">
      <svg {...size} viewBox={`-4 0 ${size.width} ${size.height}`} role="group" aria-label={t("lineage.graph", { count: nodes.length, events: events.length })}>
        {edges.map(({ from, to, event }) => {
          const [x1, y1, x2, y2] = [x(from) + WIDTH, y(from) + HEIGHT / 2, x(to), y(to) + HEIGHT / 2];
          return <path key={`${event.id}.${from.fid}.${to.fid}`} d={`M${x1} ${y1}C${x1 + GAP_X / 2} ${y1} ${x2 - GAP_X / 2} ${y2} ${x2} ${y2}`} className="lineage-edge" />;
        })}
        {[...new Map(edges.map((edge) => [edge.event.id, edge])).values()].map(({ from, to, event }) => {
          const kind = t(`lineage.${KINDS.has(event.kind) ? event.kind : "other"}` as MessageKey);
          const [cx, cy] = [(x(from) + WIDTH + x(to)) / 2, (y(from) + y(to)) / 2 + HEIGHT / 2];
          return (
            <text key={event.id} x={cx} y={cy - 5} textAnchor="middle" className="lineage-event">
              <tspan x={cx}>{kind}</tspan><tspan x={cx} dy="13">{(event.at ?? "").slice(0, 10)}</tspan>
            </text>
          );
        })}
        {nodes.map((node) => {
          const name = names.get(node.fid) || `#${node.fid}`;
          return (
            <g key={`${node.layer}.${node.fid}`} role="button" tabIndex={0} className="lineage-node" aria-label={name} aria-current={sameRef(node, current) || undefined}
              transform={`translate(${x(node)} ${y(node)})`} onClick={() => open(node)}
              onKeyDown={(event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(node); } }}>
              <title>{name}</title>
              <rect width={WIDTH} height={HEIGHT} rx="6" />
              <text x={WIDTH / 2} y={HEIGHT / 2 + 4} textAnchor="middle">{name.length > 13 ? `…${name.slice(-12)}` : name}</text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}

/** What a feature came from and what became of it; nothing where nothing is recorded. */
export function LineageGraph({ current }: { current: Ref }) {
  const { t } = useWords();
  const lineage = useQuery({
    queryKey: ["lineage", current.layer, current.fid], queryFn: ({ signal }) => readLineage(current.layer, current.fid, signal),
  });
  if (!lineage.data || layOut(lineage.data).edges.length === 0) return null;
  return (
    <section className="lineage" aria-label={t("lineage.title")}>
      <h3>{t("lineage.title")}</h3>
      <Graph events={lineage.data} current={current} />
    </section>
  );
}
