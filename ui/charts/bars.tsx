import type { JSX } from 'preact';
import { number, signed } from '../lib/format.ts';
import { extent, linear, padded } from '../lib/scale.ts';
import { Plot } from './figure.tsx';

export interface SignedBar {
  readonly name: string;
  /** Beside the name, such as the value of the feature. */
  readonly detail?: string;
  readonly value: number;
  /** Half the length of a whisker. */
  readonly spread?: number;
}

export interface BarsProps {
  readonly bars: readonly SignedBar[];
  readonly label: string;
  readonly unit: string;
  readonly file?: string;
  /** Colours by sign: towards and away from the positive class. */
  readonly signedColours?: boolean;
}

const step = 24;

/** Horizontal bars from zero to both sides, each with its name, value and whisker. */
export function Bars({ bars, label, unit, file, signedColours = false }: BarsProps): JSX.Element {
  const height = bars.length * step + 28;
  return (
    <Plot
      label={`${label}: ${bars
        .slice(0, 5)
        .map(({ name, value }) => `${name} ${signed(value)}`)
        .join(', ')}`}
      height={height}
      {...(file === undefined ? {} : { file })}
    >
      {(width) => {
        const names = Math.min(
          width * 0.48,
          Math.max(80, ...bars.map(({ name, detail }) => 12 + 6.8 * (name.length + (detail === undefined ? 0 : detail.length + 3)))),
        );
        const range = extent([0, ...bars.flatMap(({ value, spread = 0 }) => [value - spread, value + spread])]) ?? [0, 1];
        const x = linear([Math.min(0, range[0]), range[1]], [names + (range[0] < 0 ? 54 : 4), width - 62]);
        const room = Math.max(8, Math.floor((names - 8) / 6.8));
        return (
          <>
            {bars.map((bar, index) => {
              const y = index * step;
              const from = Math.min(x(0), x(bar.value));
              const spread = bar.spread ?? 0;
              const end = bar.value >= 0 ? x(bar.value + spread) + 6 : x(bar.value - spread) - 6;
              const text = bar.detail === undefined ? bar.name : `${bar.name} = ${bar.detail}`;
              return (
                <g key={bar.name}>
                  <text x={0} y={y + 15} class="bar-name">
                    {text.length > room ? `${text.slice(0, room - 1)}…` : text}
                    <title>{text}</title>
                  </text>
                  <rect
                    x={from}
                    y={y + 5}
                    width={Math.max(1, Math.abs(x(bar.value) - x(0)))}
                    height={14}
                    class={signedColours ? (bar.value >= 0 ? 'bar towards' : 'bar away') : 'bar'}
                  />
                  {spread > 0 && <path d={`M${x(bar.value - spread)} ${y + 12}H${x(bar.value + spread)}`} class="whisker" />}
                  <text x={end} y={y + 16} text-anchor={bar.value >= 0 ? 'start' : 'end'} class="bar-value">
                    {range[0] < 0 ? signed(bar.value, 3) : number(bar.value)}
                  </text>
                </g>
              );
            })}
            <line x1={x(0)} x2={x(0)} y1={0} y2={bars.length * step} class="tick" />
            <text x={x(0)} y={height - 8} text-anchor={range[0] < 0 ? 'middle' : 'start'} class="axis-label">
              {unit}
            </text>
          </>
        );
      }}
    </Plot>
  );
}

export interface IntervalRow {
  readonly name: string;
  readonly value: number;
  readonly interval?: { readonly low: number; readonly high: number };
  readonly threshold?: number;
  readonly text: string;
  readonly bad?: boolean;
}

/** Estimates with their intervals on one scale; a threshold is a mark on its own row. */
export function Intervals({
  rows,
  label,
  zero = false,
}: {
  readonly rows: readonly IntervalRow[];
  readonly label: string;
  readonly zero?: boolean;
}): JSX.Element {
  const height = rows.length * 30 + 4;
  return (
    <Plot label={`${label}: ${rows.map(({ name, text }) => `${name} ${text}`).join(', ')}`} height={height}>
      {(width) => {
        const names = Math.min(width * 0.36, Math.max(...rows.map(({ name }) => 7 * name.length)) + 12);
        const text = Math.max(...rows.map((row) => 7.2 * row.text.length)) + 10;
        const range = padded(
          extent([...(zero ? [0] : []), ...rows.flatMap((row) => [row.value, row.interval?.low, row.interval?.high, row.threshold])]) ??
            unitRange,
          0.06,
        );
        const x = linear(range, [names, Math.max(names + 40, width - text)]);
        return (
          <>
            {zero && <line x1={x(0)} x2={x(0)} y1={0} y2={height} class="reference" />}
            {rows.map((row, index) => {
              const y = index * 30 + 16;
              return (
                <g key={row.name} class={row.bad === true ? 'bad' : undefined}>
                  <text x={0} y={y + 4} class="bar-name">
                    {row.name}
                  </text>
                  <line x1={names} x2={x(range[1])} y1={y} y2={y} class="grid" />
                  {row.interval !== undefined && <line x1={x(row.interval.low)} x2={x(row.interval.high)} y1={y} y2={y} class="interval" />}
                  {row.threshold !== undefined && (
                    <path d={`M${x(row.threshold)} ${y - 9}V${y + 9}`} class="threshold">
                      <title>wanted {number(row.threshold)}</title>
                    </path>
                  )}
                  <circle cx={x(row.value)} cy={y} r={4} class="mark" />
                  <text x={width} y={y + 4} text-anchor="end" class="bar-value">
                    {row.text}
                  </text>
                </g>
              );
            })}
          </>
        );
      }}
    </Plot>
  );
}
const unitRange: readonly [number, number] = [0, 1];
