/** What a chart looks like, as echarts wants it. */
import type { EChartsCoreOption } from "echarts/core";
import type { ChartKind } from "../state/work";

export interface Bar {
  name: string;
  value: number;
  kept: boolean;
  color?: string;
}

const INK = { light: { text: "#55616c", line: "#e2e5e8", bar: "#3f7fb5" }, dark: { text: "#a9b4be", line: "#333b43", bar: "#74b4e8" } };
const SLICES = ["#4e79a7", "#e1812c", "#59a14f", "#b07aa1", "#d4a72c", "#76b7b2", "#d37295", "#9c755f", "#86bcb6", "#79706e", "#a0cbe8", "#8cd17d"];
const FADED = 0.25;

/** Return the options of a chart of some bars. */
export function optionsOf(kind: ChartKind, bars: Bar[], theme: "light" | "dark", format: (value: number) => string): EChartsCoreOption {
  const ink = INK[theme];
  const frame = {
    animation: false,
    textStyle: { fontFamily: "inherit", color: ink.text },
    tooltip: { trigger: "item", confine: true, valueFormatter: (value: unknown) => format(Number(value)) },
  };
  if (kind === "pie") {
    return {
      ...frame,
      series: [{
        type: "pie", radius: ["38%", "72%"], center: ["50%", "50%"], minAngle: 3, label: { color: ink.text, fontSize: 11, width: 84, overflow: "truncate" },
        labelLine: { length: 6, length2: 6 },
        data: bars.map((bar, i) => ({ name: bar.name, value: bar.value, itemStyle: { color: bar.color ?? SLICES[i % SLICES.length], opacity: bar.kept ? 1 : FADED } })),
      }],
    };
  }
  const data = bars.map((bar) => ({ name: bar.name, value: bar.value, itemStyle: { color: kind === "bar" && bar.color ? bar.color : ink.bar, opacity: bar.kept ? 1 : FADED } }));
  const numbers = { type: "value", axisLabel: { fontSize: 10, color: ink.text, hideOverlap: true, formatter: short }, splitLine: { lineStyle: { color: ink.line } } };
  const names = { type: "category", data: bars.map((bar) => bar.name), axisTick: { show: false }, axisLine: { lineStyle: { color: ink.line } } };
  if (kind === "histogram") {
    return {
      ...frame, grid: { left: 6, right: 8, top: 10, bottom: 4, containLabel: true },
      xAxis: { ...names, axisLabel: { fontSize: 10, color: ink.text, hideOverlap: true } }, yAxis: numbers, series: [{ type: "bar", data, barCategoryGap: "6%" }],
    };
  }
  return {
    ...frame, grid: { left: 6, right: 14, top: 4, bottom: 2, containLabel: true }, xAxis: numbers,
    yAxis: { ...names, inverse: true, axisLabel: { fontSize: 11, color: ink.text, width: 96, overflow: "truncate" } },
    series: [{ type: "bar", data, barMaxWidth: 18, barCategoryGap: "22%" }],
  };
}

function short(value: number): string {
  const size = Math.abs(value);
  return size >= 1e9 ? `${value / 1e9}G` : size >= 1e6 ? `${value / 1e6}M` : size >= 1e4 ? `${value / 1e3}k` : String(value);
}
