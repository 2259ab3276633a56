import { BarChart, PieChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import type { ChartKind } from "../state/work";
import { type Bar, optionsOf } from "./options";

echarts.use([BarChart, PieChart, GridComponent, TooltipComponent, SVGRenderer]);

const ROW_PX = 21;
const HEIGHT_PX = { pie: 190, histogram: 170 };

/** A chart as SVG; its numbers stand in the table below it as well. Loaded when the first chart is shown. */
export default function Chart({ kind, bars, label, theme, format, choose }: {
  kind: ChartKind; bars: Bar[]; label: string; theme: "light" | "dark"; format: (value: number) => string;
  choose: (index: number, also: boolean) => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts | null>(null);
  const chosen = useRef(choose);
  chosen.current = choose;
  const height = kind === "bar" ? Math.max(70, bars.length * ROW_PX + 26) : HEIGHT_PX[kind];

  useEffect(() => {
    const made = echarts.init(frame.current!, null, { renderer: "svg" });
    chart.current = made;
    made.on("click", (event) => {
      const native = event.event?.event as unknown as MouseEvent | undefined;
      chosen.current(event.dataIndex, Boolean(native?.ctrlKey || native?.metaKey));
    });
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(frame.current!);
    return () => {
      observer.disconnect();
      made.dispose();
    };
  }, []);
  useEffect(() => {
    chart.current?.setOption(optionsOf(kind, bars, theme, format), true);
  }, [kind, bars, theme]);
  useEffect(() => chart.current?.resize(), [height]);
  return <div ref={frame} className="chart" role="img" aria-label={label} style={{ height }} />;
}
