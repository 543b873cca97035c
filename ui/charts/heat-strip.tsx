import type { JSX } from 'preact';
import type { Window } from '#contract';
import { day, number } from '../lib/format.ts';
import { Plot } from './figure.tsx';
import { heatStep } from './heat-step.ts';
import { navigate } from '../lib/router.ts';
import { recordPath } from '../lib/records.ts';

/** Drift of each column over windows: the darker the more it moved; a dot where it counts as drifted. */
export function HeatStrip({ windows, counts }: { readonly windows: readonly Window[]; readonly counts: number }): JSX.Element {
  const greatest = new Map<string, number>();
  for (const { drift, predictionDrift } of windows) {
    for (const { column, psi } of [...drift, ...(predictionDrift === undefined ? [] : [predictionDrift])])
      greatest.set(column, Math.max(greatest.get(column) ?? 0, psi));
  }
  const columns = [...greatest].sort((a, b) => b[1] - a[1]).map(([column]) => column);
  const cell = 20;
  const drifted = windows.filter(({ driftedColumns }) => driftedColumns.length > 0).length;
  return (
    <Plot
      label={`Drift of ${columns.length} columns over ${windows.length} windows; ${drifted} windows hold drifted columns`}
      height={columns.length * cell + 24}
      file="drift"
    >
      {(width) => {
        const names = Math.min(width * 0.4, 150);
        const step = Math.min(48, (width - names) / Math.max(1, windows.length));
        return (
          <>
            {columns.map((column, row) => (
              <g key={column}>
                <text x={0} y={row * cell + 14} class="bar-name">
                  {column.length > 21 ? `${column.slice(0, 20)}…` : column}
                </text>
                {windows.map((window, index) => {
                  const found =
                    window.drift.find((drift) => drift.column === column) ??
                    (window.predictionDrift?.column === column ? window.predictionDrift : undefined);
                  if (found === undefined) return null;
                  return (
                    <g key={window.id} class="heat-cell" onClick={() => navigate(recordPath('window', window.id))}>
                      <rect
                        x={names + index * step}
                        y={row * cell + 1}
                        width={Math.max(2, step - 2)}
                        height={cell - 2}
                        class={`heat heat-${heatStep(found.psi, counts)}`}
                      />
                      {found.drifted && (
                        <circle cx={names + (index + 0.5) * step - 1} cy={row * cell + cell / 2} r={2.4} class="heat-mark" />
                      )}
                      <title>
                        {column}, {day(window.start)}: PSI {number(found.psi, 3)}
                        {found.drifted ? ', drifted' : ''}
                      </title>
                    </g>
                  );
                })}
              </g>
            ))}
            <text x={names} y={columns.length * cell + 16} class="axis-label">
              {windows[0] === undefined ? '' : day(windows[0].start)}
            </text>
            <text x={names + windows.length * step} y={columns.length * cell + 16} text-anchor="end" class="axis-label">
              {windows.at(-1) === undefined || windows.length < 4 ? '' : day(windows.at(-1)?.start ?? '')}
            </text>
          </>
        );
      }}
    </Plot>
  );
}
