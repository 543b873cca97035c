import type { JSX } from 'preact';
import type { Overview, Station } from '#contract';
import { linkPath } from '../lib/records.ts';
import { sentence } from '../lib/format.ts';
import { firstUnwell } from './loop-track.tsx';

type ModelOfLoop = Overview['models'][number];

const size = 380;
const middle = size / 2;
const radius = 132;

/** Where a station lies: the loop turns clockwise from the top. @param part of a turn, 0 to 1 */
export function onRing(part: number, distance: number = radius): readonly [number, number] {
  const angle = part * 2 * Math.PI - Math.PI / 2;
  return [middle + distance * Math.cos(angle), middle + distance * Math.sin(angle)];
}

function arc(from: number, to: number): string {
  const [x1, y1] = onRing(from);
  const [x2, y2] = onRing(to);
  return `M${x1.toFixed(1)} ${y1.toFixed(1)}A${radius} ${radius} 0 0 1 ${x2.toFixed(1)} ${y2.toFixed(1)}`;
}

/** The loop of one model as a ring: what has been reached is drawn through, what is not yet is dotted. */
export function LoopRing({ model }: { readonly model: ModelOfLoop }): JSX.Element {
  const { stations } = model;
  const unwell = firstUnwell(stations);
  const gap = 0.028;
  return (
    <div class="ring">
      <svg
        viewBox={`-70 0 ${size + 140} ${size}`}
        role="img"
        aria-label={`The loop of ${model.model}: ${stations.map(({ station, state }) => `${station} ${state}`).join(', ')}`}
      >
        {stations.map((station, index) => {
          const next = stations[(index + 1) % stations.length];
          const from = index / stations.length;
          const reached = station.state !== 'off' && next !== undefined && next.state !== 'off';
          return (
            <path
              key={station.station}
              d={arc(from + gap, (index + 1) / stations.length - gap)}
              class={reached ? 'ring-arc' : 'ring-arc not-yet'}
            />
          );
        })}
        {stations.map((station, index) => (
          <RingStation key={station.station} station={station} part={index / stations.length} coloured={station === unwell} />
        ))}
        <text x={middle} y={middle - 14} text-anchor="middle" class="ring-name">
          {model.model}
        </text>
        <text x={middle} y={middle + 10} text-anchor="middle" class="ring-line">
          {model.champion === undefined ? 'no champion yet' : `champion: version ${model.champion}`}
        </text>
        <text x={middle} y={middle + 30} text-anchor="middle" class={unwell === undefined ? 'ring-line' : `ring-line tone-${unwell.state}`}>
          {unwell === undefined
            ? 'all is well'
            : `${unwell.station}: ${unwell.state === 'waiting' ? 'waits' : unwell.state === 'warn' ? 'look' : 'wrong'}`}
        </text>
      </svg>
      <div class="ring-side">
        {unwell === undefined ? (
          <p>Every station that was reached is well.</p>
        ) : (
          <>
            <p class="ring-what">
              {sentence(unwell.station)}: {unwell.title}
            </p>
            <p>{unwell.detail}</p>
            {unwell.record !== undefined && (
              <p>
                <a href={linkPath(unwell.record)}>Open the record</a>
              </p>
            )}
          </>
        )}
      </div>
    </div>
  );
}

function RingStation({
  station,
  part,
  coloured,
}: {
  readonly station: Station;
  readonly part: number;
  readonly coloured: boolean;
}): JSX.Element {
  const [x, y] = onRing(part);
  const [tx, ty] = onRing(part, radius + 24);
  const anchor = Math.abs(tx - middle) < 12 ? 'middle' : tx > middle ? 'start' : 'end';
  const { state } = station;
  return (
    <g class={coloured ? `ring-station tone-${state}` : 'ring-station'}>
      {state === 'bad' || state === 'warn' ? (
        <path d={`M${x} ${y - 10}L${x + 10} ${y}L${x} ${y + 10}L${x - 10} ${y}Z`} class="ring-mark" />
      ) : (
        <circle cx={x} cy={y} r={8} class={state === 'off' ? 'ring-mark hollow' : state === 'waiting' ? 'ring-mark half' : 'ring-mark'} />
      )}
      <text x={tx} y={ty + 4} text-anchor={anchor} class="ring-label">
        {station.station}
      </text>
    </g>
  );
}
