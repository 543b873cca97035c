import type { JSX } from 'preact';
import type { Run } from '#contract';
import { queryValue, setQuery } from '../../lib/router.ts';

/** Two of the runs that are compared: what can only be held one against the other is shown of them. */
export interface Pair {
  readonly left: Run;
  readonly right: Run;
}

/** The pair that the address names, else the first two. */
export function pairOf(runs: readonly Run[]): Pair | undefined {
  const named = (name: string): Run | undefined => runs.find(({ id }) => id === queryValue(name));
  const left = named('left') ?? runs[0];
  const right = named('right') ?? runs.find((run) => run !== left);
  return left === undefined || right === undefined ? undefined : { left, right };
}

/** A run's name, as pages show it. */
export const nameOf = ({ name, id }: Run): string => name || id.slice(-8);

/** Which two runs are held against each other. */
export function PairChoice({ runs, pair }: { readonly runs: readonly Run[]; readonly pair: Pair }): JSX.Element {
  const choice = (which: 'left' | 'right', label: string): JSX.Element => (
    <label>
      <span>{label} </span>
      <select value={pair[which].id} onChange={(event) => setQuery({ [which]: event.currentTarget.value })}>
        {runs.map((run) => (
          <option key={run.id} value={run.id}>
            {nameOf(run)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <span class="pair">
      {choice('left', 'from')} {choice('right', 'to')}
    </span>
  );
}
