import type { JSX } from 'preact';
import { number } from '../lib/format.ts';
import { type Scale, tickDecimals, ticks } from '../lib/scale.ts';

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface AxesProps {
  readonly x: Scale;
  readonly y: Scale;
  readonly box: Box;
  readonly xLabel: string;
  readonly yLabel: string;
}

/** Grid, ticks and labels of a plot with two straight scales. */
export function Axes({ x, y, box, xLabel, yLabel }: AxesProps): JSX.Element {
  const up = ticks(y.domain, 4);
  const across = ticks(x.domain, Math.max(2, Math.floor((box.right - box.left) / 80)));
  return (
    <g class="axes" aria-hidden="true">
      {up.map((tick) => (
        <g key={`y${tick}`}>
          <line x1={box.left} x2={box.right} y1={y(tick)} y2={y(tick)} class="grid" />
          <text x={box.left - 6} y={y(tick)} dy="0.32em" text-anchor="end">
            {number(tick, tickDecimals(up))}
          </text>
        </g>
      ))}
      {across.map((tick) => (
        <g key={`x${tick}`}>
          <line x1={x(tick)} x2={x(tick)} y1={box.bottom} y2={box.bottom + 4} class="tick" />
          <text x={x(tick)} y={box.bottom + 16} text-anchor="middle">
            {number(tick, tickDecimals(across))}
          </text>
        </g>
      ))}
      <line x1={box.left} x2={box.right} y1={box.bottom} y2={box.bottom} class="tick" />
      <text x={(box.left + box.right) / 2} y={box.bottom + 32} text-anchor="middle" class="axis-label">
        {xLabel}
      </text>
      <text x={box.left} y={box.top - 8} text-anchor="start" class="axis-label">
        {yLabel}
      </text>
    </g>
  );
}
