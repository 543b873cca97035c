import type { JSX } from 'preact';
import { extent, linePath, linear, padded } from '../lib/scale.ts';

export interface SparklineProps {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly threshold?: number | undefined;
  readonly width?: number;
  readonly height?: number;
}

/** A line of the last windows, with its threshold; the newest value has a dot. */
export function Sparkline({ label, values, threshold, width = 96, height = 26 }: SparklineProps): JSX.Element | null {
  const range = extent(threshold === undefined ? values : [...values, threshold]);
  if (range === undefined) return null;
  const x = linear([0, Math.max(1, values.length - 1)], [3, width - 4]);
  const y = linear(padded(range, 0.1), [height - 3, 3]);
  const last = values.findLastIndex((value) => value !== null);
  const newest = values[last];
  return (
    <svg class="sparkline" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {threshold !== undefined && <line class="threshold" x1={0} x2={width} y1={y(threshold)} y2={y(threshold)} />}
      <path d={linePath(values.map((value, index) => [x(index), value === null ? null : y(value)]))} class="line" />
      {typeof newest === 'number' && <circle class="dot" cx={x(last)} cy={y(newest)} r={2.2} />}
    </svg>
  );
}
