import type { JSX } from 'preact';
import { number } from '../lib/format.ts';
import { extent, linear } from '../lib/scale.ts';
import { Plot } from './figure.tsx';

export interface ParallelRun {
  readonly id: string;
  readonly name: string;
  /** In the order of the axes; undefined where the run has none. */
  readonly values: readonly (number | string | undefined)[];
}

const height = 320;
/** Names stand in two rows by turns, so that neighbours do not meet. */
const top = 56;
const bottom = 24;
const side = 70;

/** One line for each run through an upright axis for each parameter, the metric last: its third by the metric gives a line its colour. */
export function ParallelCoordinates({
  axes,
  runs,
  file,
}: {
  readonly axes: readonly string[];
  readonly runs: readonly ParallelRun[];
  readonly file: string;
}): JSX.Element {
  const scales = axes.map((_, at) => scaleOf(runs.map(({ values }) => values[at])));
  const last = axes.length - 1;
  const results = runs.flatMap(({ values }) => (typeof values[last] === 'number' ? [values[last]] : [])).sort((a, b) => a - b);
  const third = (value: number | string | undefined): number =>
    typeof value === 'number' ? Math.min(2, Math.floor((3 * results.indexOf(value)) / Math.max(1, results.length))) : 1;
  return (
    <Plot label={`${runs.length} runs through ${axes.join(', ')}`} height={height} file={file}>
      {(width) => {
        const x = linear([0, Math.max(1, last)], [side, width - side]);
        return (
          <>
            {runs.map(({ id, name, values }) => {
              const points = values.flatMap((value, at) => {
                const y = scales[at]?.place(value);
                return y === undefined ? [] : [`${x(at).toFixed(1)} ${y.toFixed(1)}`];
              });
              return (
                <path key={id} class={`parallel third-${third(values[last])}`} d={`M${points.join('L')}`}>
                  <title>{name}</title>
                </path>
              );
            })}
            {axes.map((name, at) => (
              <g key={name} class="axes">
                <line class="tick" x1={x(at)} x2={x(at)} y1={top} y2={height - bottom} />
                <text x={x(at)} y={at % 2 === 0 ? 12 : 26} text-anchor="middle">
                  {shortened(name, (2 * (x(1) - x(0))) / 7)}
                  <title>{name}</title>
                </text>
                {scales[at]?.ends.map(({ text, y }) => (
                  <text key={`${text}${y}`} x={x(at)} y={y < height / 2 ? top - 8 : height - 6} text-anchor="middle">
                    {text.length > 14 ? `${text.slice(0, 13)}…` : text}
                  </text>
                ))}
              </g>
            ))}
          </>
        );
      }}
    </Plot>
  );
}

function shortened(name: string, most: number): string {
  const room = Math.min(18, Math.max(4, Math.floor(most)));
  return name.length > room ? `${name.slice(0, room - 1)}…` : name;
}

interface AxisScale {
  readonly place: (value: number | string | undefined) => number | undefined;
  readonly ends: readonly { readonly text: string; readonly y: number }[];
}

/** Numbers by their size, words in their order. */
function scaleOf(values: readonly (number | string | undefined)[]): AxisScale {
  const there = values.filter((value) => value !== undefined);
  if (there.every((value) => typeof value === 'number')) {
    const domain = extent(there) ?? [0, 1];
    const y = linear(domain, [height - bottom, top]);
    const ends = [...new Set(domain)].map((value) => ({ text: number(value), y: y(value) }));
    return { place: (value) => (typeof value === 'number' ? y(value) : undefined), ends };
  }
  const words = [...new Set(there.map(String))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const y = linear([0, Math.max(1, words.length - 1)], [height - bottom, top]);
  const ends = words.length < 2 ? words : [words[0] ?? '', words.at(-1) ?? ''];
  return {
    place: (value) => (value === undefined ? undefined : y(words.indexOf(String(value)))),
    ends: ends.map((text) => ({ text, y: y(words.indexOf(text)) })),
  };
}
