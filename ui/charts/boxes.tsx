import type { JSX } from 'preact';
import type { BoxFigures } from '../lib/box-figures.ts';
import { counted, number } from '../lib/format.ts';
import { extent, linear, padded, tickDecimals, ticks } from '../lib/scale.ts';
import { Plot } from './figure.tsx';

const rowPx = 36;
const boxPx = 18;
const bottom = 44;

/** How a metric lies in each group: box from the lower to the upper quartile, median, whiskers, and what lies beyond these as points. */
export function Boxes({
  groups,
  metric,
  by,
  file,
}: {
  readonly groups: readonly BoxFigures[];
  readonly metric: string;
  readonly by: string;
  readonly file: string;
}): JSX.Element {
  const height = groups.length * rowPx + bottom;
  const domain = padded(extent(groups.flatMap(({ values }) => [values[0], values.at(-1)])) ?? [0, 1], 0.04);
  const said = groups
    .slice(0, 5)
    .map(({ group, median, values }) => `${group} median ${number(median)} of ${counted(values.length, 'run')}`);
  return (
    <Plot label={`${metric} by ${by}: ${said.join(', ')}`} height={height} file={file}>
      {(width) => {
        const texts = groups.map(({ group, values }) => `${group.length > 22 ? `${group.slice(0, 21)}…` : group} (${values.length})`);
        const left = Math.min(width * 0.4, Math.max(...texts.map((text) => 7 * text.length)) + 12);
        const x = linear(domain, [left, width - 12]);
        const across = ticks(domain, Math.max(2, Math.floor((width - left) / 90)));
        return (
          <>
            <g class="axes" aria-hidden="true">
              {across.map((tick) => (
                <g key={tick}>
                  <line class="grid" x1={x(tick)} x2={x(tick)} y1={0} y2={height - bottom} />
                  <text x={x(tick)} y={height - bottom + 16} text-anchor="middle">
                    {number(tick, tickDecimals(across))}
                  </text>
                </g>
              ))}
              <text class="axis-label" x={(left + width) / 2} y={height - 6} text-anchor="middle">
                {metric}
              </text>
            </g>
            {groups.map((box, index) => {
              const y = index * rowPx + rowPx / 2;
              return (
                <g key={box.group} class="box">
                  <title>
                    {by} {box.group}: median {number(box.median)}, quartiles {number(box.lower)} and {number(box.upper)}, mean{' '}
                    {number(box.mean)}, {counted(box.values.length, 'run')}
                  </title>
                  <text class="bar-name" x={0} y={y + 4}>
                    {texts[index]}
                  </text>
                  <path class="whisker" d={`M${x(box.low)} ${y}H${x(box.lower)}M${x(box.upper)} ${y}H${x(box.high)}`} />
                  <rect class="bar" x={x(box.lower)} y={y - boxPx / 2} width={Math.max(1, x(box.upper) - x(box.lower))} height={boxPx} />
                  <line class="median" x1={x(box.median)} x2={x(box.median)} y1={y - boxPx / 2} y2={y + boxPx / 2} />
                  {box.values
                    .filter((value) => value < box.low || value > box.high)
                    .map((value, at) => (
                      <circle key={at} class="mark" cx={x(value)} cy={y} r={3} />
                    ))}
                </g>
              );
            })}
          </>
        );
      }}
    </Plot>
  );
}
