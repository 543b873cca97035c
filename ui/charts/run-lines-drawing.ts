import uPlot from 'uplot';
import { number } from '../lib/format.ts';
import type { RunLines } from '../lib/run-lines.ts';
import { tickDecimals } from '../lib/scale.ts';
import { saveFile } from '../parts/save-file.ts';
import { colourReader, withAlpha } from './palette.ts';

export interface RunLinesSpec extends RunLines {
  /** Drawn faintly behind: what the lines were before they were smoothed. */
  readonly behind?: RunLines;
  /** Place in the palette of each line: an entity keeps its colour while it is on the page. */
  readonly colours: readonly number[];
  readonly xName: string;
  /** Milliseconds since 1970. */
  readonly isTime: boolean;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly height: number;
}

export interface RunLinesDrawing {
  readonly destroy: () => void;
  readonly savePng: (name: string) => void;
}

const dashes = [[], [7, 4], [2, 3]];
const paletteSize = 6;
/** More lines than these are told apart by hovering only, and bands over each other say nothing. */
const mostBands = 12;

/**
 * Draws lines of runs into an element.
 * @param onRead place of the axis under the pointer and the value at its height; undefined when it left
 * @param onZoom a range of the axis was drawn open; undefined: all of it again
 */
export function drawRunLines(
  into: HTMLElement,
  spec: RunLinesSpec,
  {
    width,
    onRead,
    onZoom,
  }: {
    readonly width: number;
    readonly onRead: (at: { readonly place: number; readonly y: number } | undefined) => void;
    readonly onZoom: (range: { readonly from: number; readonly to: number } | undefined) => void;
  },
): RunLinesDrawing {
  const colours = paletteOf(into);
  const quiet = colours.quiet;
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const x = spec.isTime ? spec.x.map((value) => value / 1000) : spec.x;
  const data: (readonly (number | null)[])[] = [x];
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  const thin = spec.lines.length > 30 ? 1 : 1.8;
  for (const [index, line] of (spec.behind?.lines ?? []).entries()) {
    data.push(line.values);
    series.push({
      stroke: withAlpha(colourAt(colours, spec.colours[index] ?? 0), 0.25),
      width: 1,
      points: { show: false },
      spanGaps: true,
    });
  }
  for (const [index, line] of spec.lines.entries()) {
    const order = spec.colours[index] ?? 0;
    const stroke = colourAt(colours, order);
    if (line.low !== undefined && line.high !== undefined && spec.lines.length <= mostBands) {
      data.push(line.high, line.low);
      series.push({ width: 0, points: { show: false }, spanGaps: true }, { width: 0, points: { show: false }, spanGaps: true });
      bands.push({ series: [series.length - 2, series.length - 1], fill: withAlpha(stroke, 0.16) });
    }
    data.push(line.values);
    series.push({
      stroke,
      width: thin,
      dash: dashes[Math.floor(order / paletteSize) % dashes.length] ?? [],
      points: { show: x.length <= 40, size: 4, fill: stroke, width: 0 },
      spanGaps: true,
    });
  }
  const axis: uPlot.Axis = {
    stroke: quiet,
    font,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { stroke: colours.grid, width: 1, size: 4 },
  };
  const plot = new uPlot(
    {
      width,
      height: spec.height,
      series,
      bands,
      legend: { show: false },
      cursor: { points: { show: false }, drag: { x: true, y: false, setScale: false } },
      scales: { x: { time: spec.isTime, distr: spec.logX ? 3 : 1 }, y: { distr: spec.logY ? 3 : 1 } },
      axes: [
        {
          ...axis,
          size: 36,
          label: spec.xName,
          labelSize: 18,
          labelFont: font,
          ...(spec.isTime ? {} : { values: (_, ticks) => texts(ticks) }),
        },
        { ...axis, size: 60, values: (_, ticks) => texts(ticks) },
      ],
      hooks: {
        setCursor: [
          (self) =>
            onRead(
              self.cursor.idx === null || self.cursor.idx === undefined || self.cursor.top === undefined || self.cursor.top < 0
                ? undefined
                : { place: self.cursor.idx, y: self.posToVal(self.cursor.top, 'y') },
            ),
        ],
        setSelect: [
          (self) => {
            if (self.select.width < 4) return;
            const factor = spec.isTime ? 1000 : 1;
            onZoom({
              from: self.posToVal(self.select.left, 'x') * factor,
              to: self.posToVal(self.select.left + self.select.width, 'x') * factor,
            });
          },
        ],
      },
      ...(spec.isTime ? { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
    },
    // uPlot takes plain and typed arrays alike, which its type of aligned data says with mutable arrays only.
    data as unknown as uPlot.AlignedData,
    into,
  );
  plot.over.addEventListener('dblclick', () => onZoom(undefined));
  return {
    destroy: () => plot.destroy(),
    savePng: (name) => plot.ctx.canvas.toBlob((blob) => (blob === null ? undefined : saveFile(name, 'image/png', blob))),
  };
}

/** A logarithmic axis leaves ticks between without a text. */
function texts(ticks: readonly (number | null)[]): (string | null)[] {
  const shown = ticks.filter((tick) => tick !== null);
  const spread = Math.max(...shown) / Math.max(Math.min(...shown), Number.MIN_VALUE);
  const decimals = spread > 1000 ? undefined : tickDecimals(shown);
  return ticks.map((tick) => (tick === null ? null : number(tick, decimals)));
}

interface Palette {
  readonly series: readonly string[];
  readonly quiet: string;
  readonly grid: string;
}

function paletteOf(beside: HTMLElement): Palette {
  const read = colourReader(beside);
  return {
    series: Array.from({ length: paletteSize }, (_, index) => read(`--series-${index + 1}`)),
    quiet: read('--ink-quiet'),
    grid: read('--line-faint'),
  };
}

function colourAt({ series }: Palette, order: number): string {
  return series[order % paletteSize] ?? 'currentColor';
}

export type DrawRunLines = typeof drawRunLines;
