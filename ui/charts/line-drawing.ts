import uPlot from 'uplot';
import { day, number } from '../lib/format.ts';
import { extent, padded, tickDecimals } from '../lib/scale.ts';
import { saveFile } from '../parts/save-file.ts';
import { colourReader, withAlpha } from './palette.ts';

export interface LineSeries {
  readonly name: string;
  /** 1 to 6: an entity keeps its colour while it is on the page. */
  readonly colour: 1 | 2 | 3 | 4 | 5 | 6;
  readonly values: readonly (number | null)[];
  /** An interval around each value, drawn as a band. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

export interface LineSpec {
  /** Unix seconds when `time`, steps otherwise; rising. */
  readonly x: readonly number[];
  readonly time: boolean;
  readonly xName: string;
  readonly xText: (x: number) => string;
  readonly series: readonly LineSeries[];
  /** What each point had to reach; a change of it is a step. */
  readonly threshold?: { readonly name: (value: number) => string; readonly values: readonly (number | null)[] };
  readonly unit: string;
  readonly text: (value: number, series: LineSeries, index: number) => string;
  readonly height: number;
  readonly fromZero?: boolean;
}

const wholeSteps = [1, 2, 5, 10, 20, 50].flatMap((step) => [step, step * 100, step * 10_000]).sort((a, b) => a - b);

export interface LineDrawing {
  readonly destroy: () => void;
  readonly savePng: (name: string) => void;
}

/**
 * Draws lines into an element.
 * @param width pixels
 * @param onRead the position under the pointer; undefined when it left
 */
export function drawLines(into: HTMLElement, spec: LineSpec, width: number, onRead: (index: number | undefined) => void): LineDrawing {
  const colour = colourReader(into);
  const quiet = colour('--ink-quiet');
  const grid = colour('--line-faint');
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const data: (readonly (number | null)[])[] = [spec.x];
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const line of spec.series) {
    const stroke = colour(`--series-${line.colour}`);
    if (line.low !== undefined && line.high !== undefined) {
      data.push(line.high, line.low);
      series.push({ show: true, width: 0, points: { show: false } }, { show: true, width: 0, points: { show: false } });
      bands.push({ series: [series.length - 2, series.length - 1], fill: withAlpha(stroke, 0.18) });
    }
    data.push(line.values);
    series.push({
      label: line.name,
      stroke,
      width: 1.8,
      points: { show: spec.x.length <= 40, size: 5, fill: stroke, width: 0 },
      spanGaps: false,
    });
  }
  const range = extent([
    ...(spec.fromZero === true ? [0] : []),
    ...data.slice(1).flatMap((values) => [...values]),
    ...(spec.threshold?.values ?? []),
  ]) ?? [0, 1];
  const [low, high] = padded(range);
  const axis: uPlot.Axis = { stroke: quiet, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 } };
  const options: uPlot.Options = {
    width,
    height: spec.height,
    series,
    bands,
    legend: { show: false },
    cursor: { points: { size: 7 }, drag: { x: true, y: false } },
    scales: { x: { time: spec.time }, y: { range: () => [spec.fromZero === true ? 0 : low, high] } },
    axes: [
      {
        ...axis,
        size: spec.time ? 28 : 36,
        ...(spec.time ? { values: timeTexts } : {}),
        // Steps and versions are whole.
        ...(spec.time ? {} : { incrs: wholeSteps }),
        label: spec.time ? '' : spec.xName,
        labelSize: spec.time ? 0 : 18,
        labelFont: font,
      },
      { ...axis, size: 52, values: (_, ticks) => ticks.map((tick) => number(tick, tickDecimals(ticks))) },
    ],
    hooks: {
      draw: [(plot) => drawThreshold(plot, spec, colour('--bad'), font)],
      setCursor: [(plot) => onRead(plot.cursor.idx ?? undefined)],
    },
    ...(spec.time ? { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
  };
  // uPlot takes plain and typed arrays alike, which its type of aligned data says with mutable arrays only.
  const plot = new uPlot(options, data as unknown as uPlot.AlignedData, into);
  return {
    destroy: () => plot.destroy(),
    savePng: (name) => plot.ctx.canvas.toBlob((blob) => (blob === null ? undefined : saveFile(name, 'image/png', blob))),
  };
}

/** A dashed step line; each new value is named where it begins. */
function drawThreshold(plot: uPlot, { x, threshold }: LineSpec, stroke: string, font: string): void {
  if (threshold === undefined) return;
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = stroke;
  ctx.fillStyle = stroke;
  ctx.lineWidth = ratio;
  ctx.font = font.replace(/^\d+/, String(12 * ratio));
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  ctx.setLineDash([5 * ratio, 4 * ratio]);
  const edge = (index: number): number => plot.valToPos(((x[index - 1] ?? 0) + (x[index] ?? 0)) / 2, 'x', true);
  let start = 0;
  for (let index = 1; index <= x.length; index += 1) {
    const value = threshold.values[start];
    if (index < x.length && threshold.values[index] === value) continue;
    const from = start === 0 ? bbox.left : edge(start);
    const to = index === x.length ? bbox.left + bbox.width : edge(index);
    start = index;
    if (value === null || value === undefined) continue;
    const y = plot.valToPos(value, 'y', true);
    ctx.beginPath();
    ctx.moveTo(from, y);
    ctx.lineTo(to, y);
    ctx.stroke();
    const name = threshold.name(value);
    const fits = from + ctx.measureText(name).width + 12 * ratio < bbox.left + bbox.width;
    ctx.textAlign = fits ? 'left' : 'right';
    ctx.fillText(name, fits ? from + 6 * ratio : to - 6 * ratio, y - 5 * ratio);
  }
  ctx.restore();
}

/** Ticks of time as days where they are days apart, else as times of day; in UTC. */
function timeTexts(_: uPlot, seconds: number[]): string[] {
  const days = seconds.length < 2 || (seconds[1] ?? 0) - (seconds[0] ?? 0) >= 86_400;
  return seconds.map((second) => {
    const iso = new Date(second * 1000).toISOString();
    return days ? day(iso).replace(/ \d+$/, '') : iso.slice(11, 16);
  });
}
