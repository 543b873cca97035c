import type { JSX } from 'preact';
import type { ColumnProfile } from '#contract';
import { number, percent } from '../lib/format.ts';
import { linear } from '../lib/scale.ts';

type Numeric = NonNullable<ColumnProfile['numeric']>;

/** How the numbers of a column lie; hover names the bin. */
export function Histogram({ name, numeric }: { readonly name: string; readonly numeric: Numeric }): JSX.Element {
  const width = 168;
  const height = 44;
  const { histogram } = numeric;
  const most = Math.max(1, ...histogram.map(({ count }) => count));
  const low = histogram[0]?.low ?? 0;
  const high = histogram.at(-1)?.high ?? 1;
  const x = linear([low, high], [0, width]);
  const y = linear([0, most], [0, height - 2]);
  const label = `${name} from ${number(low)} to ${number(high)}, mean ${number(numeric.mean ?? Number.NaN)}`;
  return (
    <svg class="histogram" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {histogram.map((bin) => (
        <rect
          key={bin.low}
          x={x(bin.low)}
          y={height - y(bin.count)}
          width={Math.max(1, x(bin.high) - x(bin.low) - 1)}
          height={y(bin.count)}
          class="bar"
        >
          <title>
            {number(bin.low)} to {number(bin.high)}: {number(bin.count, 0)}
          </title>
        </rect>
      ))}
      <line x1={0} x2={width} y1={height - 0.5} y2={height - 0.5} class="tick" />
    </svg>
  );
}

/** The most frequent values of a column, as shares of its rows. */
export function TopValues({
  top,
  rows,
  all = false,
}: {
  readonly top: readonly { readonly value: string; readonly count: number }[];
  readonly rows: number;
  /** Not only the first four. */
  readonly all?: boolean;
}): JSX.Element {
  const shown = all ? top.length : 4;
  return (
    <ul class="top-values">
      {top.slice(0, shown).map(({ value, count }) => (
        <li key={value}>
          <span class="share" style={{ width: `${(100 * count) / Math.max(1, rows)}%` }} />
          <span class="value" title={value}>
            {value === '' ? '(empty)' : value}
          </span>
          <span class="quiet">{percent(count / Math.max(1, rows))}</span>
        </li>
      ))}
      {top.length > shown && <li class="quiet">and {top.length - shown} more</li>}
    </ul>
  );
}
