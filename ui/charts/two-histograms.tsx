import type { JSX } from 'preact';
import { number, percent } from '../lib/format.ts';
import { linear } from '../lib/scale.ts';

/** A bin with how many values of each side lie in it. */
export interface PairedBin {
  readonly low: number;
  readonly high: number;
  readonly from: number;
  readonly to: number;
}

/** Two sides of one column as shares over the same bins: the earlier one filled, the later one as a line over it. */
export function TwoHistograms({
  name,
  bins,
  text = (value) => number(value),
}: {
  readonly name: string;
  readonly bins: readonly PairedBin[];
  /** Words for a value on the axis. */
  readonly text?: (value: number) => string;
}): JSX.Element | null {
  const first = bins[0];
  const last = bins.at(-1);
  if (first === undefined || last === undefined) return null;
  const width = 220;
  const height = 56;
  const sum = (side: 'from' | 'to'): number =>
    Math.max(
      1,
      bins.reduce((total, bin) => total + bin[side], 0),
    );
  const [all, allLater] = [sum('from'), sum('to')];
  const most = Math.max(...bins.flatMap(({ from, to }) => [from / all, to / allLater]), Number.EPSILON);
  const x = linear([first.low, last.high], [0, width]);
  const y = linear([0, most], [height, 2]);
  const outline = bins.map(({ low, high, to }) => `${x(low)},${y(to / allLater)} ${x(high)},${y(to / allLater)}`).join(' ');
  return (
    <span class="two-histograms">
      <svg
        class="histogram"
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${name} from ${text(first.low)} to ${text(last.high)}, in both versions`}
      >
        {bins.map((bin) => (
          <rect
            key={bin.low}
            x={x(bin.low)}
            y={y(bin.from / all)}
            width={Math.max(1, x(bin.high) - x(bin.low) - 1)}
            height={height - y(bin.from / all)}
            class="bar before"
          />
        ))}
        <polyline points={`0,${height} ${outline} ${width},${height}`} class="outline after" />
        {bins.map((bin) => (
          <rect key={bin.low} x={x(bin.low)} y={0} width={Math.max(1, x(bin.high) - x(bin.low))} height={height} class="sensor">
            <title>
              {text(bin.low)} to {text(bin.high)}: {percent(bin.from / all)} before, {percent(bin.to / allLater)} after
            </title>
          </rect>
        ))}
      </svg>
      <span class="ends quiet">
        <span>{text(first.low)}</span>
        <span>{text(last.high)}</span>
      </span>
    </span>
  );
}

/** Two sides of one column of categories, as shares. */
export function TwoShares({
  values,
  totals,
}: {
  readonly values: readonly { readonly value: string; readonly from: number; readonly to: number }[];
  readonly totals: { readonly from: number; readonly to: number };
}): JSX.Element {
  return (
    <ul class="two-shares">
      {values.map(({ value, from, to }) => {
        const [before, after] = [from / Math.max(1, totals.from), to / Math.max(1, totals.to)];
        return (
          <li key={value}>
            <span class="value" title={value}>
              {value === '' ? '(empty)' : value}
            </span>
            <span class="share-pair" aria-hidden="true">
              <i class="before" style={{ width: `${100 * before}%` }} />
              <i class="after" style={{ width: `${100 * after}%` }} />
            </span>
            <span class="quiet">
              {percent(before)} → {percent(after)}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
