import type { JSX } from 'preact';
import type { ColumnProfile } from '#contract';
import { number } from '../lib/format.ts';
import { linear } from '../lib/scale.ts';
import { Axes, type Box } from './axes.tsx';
import { Plot } from './figure.tsx';

/** How the numbers of one column lie, large, with its quartiles as named lines. */
export function DistributionChart({
  name,
  bins,
  marks,
}: {
  readonly name: string;
  readonly bins: NonNullable<ColumnProfile['numeric']>['histogram'];
  readonly marks: readonly { readonly name: string; readonly value: number }[];
}): JSX.Element | null {
  const first = bins[0];
  const last = bins.at(-1);
  if (first === undefined || last === undefined) return null;
  const height = 260;
  const most = Math.max(1, ...bins.map(({ count }) => count));
  return (
    <Plot
      label={`${name} from ${number(first.low)} to ${number(last.high)}; ${marks.map((mark) => `${mark.name} ${number(mark.value)}`).join(', ')}`}
      height={height}
      maxWidth={760}
      file={`${name}-distribution`}
    >
      {(width) => {
        const box: Box = { left: 56, top: 56, right: width - 12, bottom: height - 40 };
        const x = linear([first.low, last.high], [box.left, box.right]);
        const y = linear([0, most], [box.bottom, box.top]);
        return (
          <>
            <Axes x={x} y={y} box={box} xLabel={name} yLabel="rows" />
            {bins.map((bin) => (
              <rect
                key={bin.low}
                x={x(bin.low)}
                y={y(bin.count)}
                width={Math.max(1, x(bin.high) - x(bin.low) - 1)}
                height={box.bottom - y(bin.count)}
                class="bar"
              >
                <title>
                  {number(bin.low)} to {number(bin.high)}: {number(bin.count, 0)} rows
                </title>
              </rect>
            ))}
            {marks.map((mark, index) => (
              <g key={mark.name}>
                <line x1={x(mark.value)} x2={x(mark.value)} y1={32} y2={box.bottom} class="reference" />
                <text x={x(mark.value)} y={14 + 14 * (index % 2)} text-anchor="middle" class="reference-label">
                  {mark.name} {number(mark.value)}
                </text>
              </g>
            ))}
          </>
        );
      }}
    </Plot>
  );
}
