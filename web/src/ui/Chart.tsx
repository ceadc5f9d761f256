/** Curves over steps, drawn by uPlot, which is fetched when the first chart appears. Its numbers are told below it too. */
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { shownTheme } from "../app/settings";
import { language, number } from "../i18n/t";

export interface Curve {
  label: string;
  /** A token of theme.css, such as "--plus". */
  colour: string;
  dash?: number[];
}

interface Props {
  /** What it shows, for who cannot see it. */
  label: string;
  x: ArrayLike<number>;
  curves: readonly Curve[];
  ys: readonly ArrayLike<number | null | undefined>[];
  log?: boolean;
  height?: number;
  xLabel?: string;
}

const colour = (token: string) => getComputedStyle(document.documentElement).getPropertyValue(token).trim();

const shown = (value: number | null | undefined) => (value == null ? "–" : number(value));

/** What a curve has come to: it stands in the legend while nobody points at a place. */
const lastOf = (values: ArrayLike<number | null | undefined> | undefined): number | null | undefined =>
  Array.from(values ?? []).findLast((value) => value != null);

export function Chart({ label, x, curves, ys, log = false, height = 180, xLabel }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  // Before the first number there are the axes all the same.
  const data = (x.length ? [x, ...ys] : [[0], ...ys.map(() => [null])]) as unknown as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    let gone = false;
    let observer: ResizeObserver | undefined;
    void Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]).then(([{ default: UPlot }]) => {
      const element = host.current;
      if (gone || !element) return;
      const axis = { stroke: colour("--soft"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
      const made = new UPlot(
        {
          width: element.clientWidth || 300,
          height,
          cursor: { y: false },
          scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
          axes: [
            { ...axis, label: xLabel, labelSize: xLabel ? 18 : 0 },
            { ...axis, size: 56 },
          ],
          series: [
            {},
            ...curves.map(({ label: name, colour: token, dash }) => ({
              label: name,
              stroke: colour(token),
              width: 2,
              dash,
              points: { show: false },
              value: (chart: uPlot, value: number | null, at: number) => shown(value ?? lastOf(chart.data[at])),
            })),
          ],
        },
        latest.current,
        element,
      );
      plot.current = made;
      observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
      observer.observe(element);
    });
    return () => {
      gone = true;
      observer?.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shownTheme.value, language.value, curves.map((curve) => curve.label).join(), log, height]);

  useEffect(() => plot.current?.setData(data));
  return <div class="chart ltr" ref={host} role="img" aria-label={label} style={{ minHeight: `${height}px` }} />;
}
