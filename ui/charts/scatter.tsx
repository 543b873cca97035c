import type { JSX } from 'preact';
import { number } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { navigate } from '../lib/router.ts';
import { extent, linear, padded, ticks } from '../lib/scale.ts';
import { Plot } from './figure.tsx';

export interface ScatterRun {
  readonly id: string;
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

const height = 300;
const left = 64;
const bottom = 40;

/** Runs as points; a point leads to its run. */
export function Scatter({
  xName,
  yName,
  runs,
  file,
}: {
  readonly xName: string;
  readonly yName: string;
  readonly runs: readonly ScatterRun[];
  readonly file: string;
}): JSX.Element {
  const xs = padded(extent(runs.map((run) => run.x)) ?? [0, 1]);
  const ys = padded(extent(runs.map((run) => run.y)) ?? [0, 1]);
  return (
    <Plot label={`${yName} against ${xName} of ${runs.length} runs`} height={height} file={file}>
      {(width) => {
        const x = linear(xs, [left, width - 12]);
        const y = linear(ys, [height - bottom, 12]);
        return (
          <>
            <g class="axes">
              {ticks(ys).map((tick) => (
                <g key={tick}>
                  <line class="grid" x1={left} x2={width - 12} y1={y(tick)} y2={y(tick)} />
                  <text x={left - 8} y={y(tick) + 4} text-anchor="end">
                    {number(tick)}
                  </text>
                </g>
              ))}
              {ticks(xs).map((tick) => (
                <text key={tick} x={x(tick)} y={height - bottom + 18} text-anchor="middle">
                  {number(tick)}
                </text>
              ))}
              <text x={(left + width) / 2} y={height - 4} text-anchor="middle">
                {xName}
              </text>
            </g>
            {runs.map((run) => (
              // The page links every run by name: a click on its point is a short cut.
              <circle
                key={run.id}
                class="mark series-1 leads"
                cx={x(run.x)}
                cy={y(run.y)}
                r={5}
                onClick={() => navigate(recordPath('run', run.id))}
              >
                <title>
                  {run.name}: {xName} {number(run.x)}, {yName} {number(run.y)}
                </title>
              </circle>
            ))}
          </>
        );
      }}
    </Plot>
  );
}
