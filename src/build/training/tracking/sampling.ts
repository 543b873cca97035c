import type { Db } from '#store';
import { countSteps, stepEndsOf, stepsNear, stepsOf } from '../history-store.ts';
import type { Series } from '../history-store.ts';
import type { SampleHistory } from './port.ts';

/** A series with more steps is sampled by their numbers. */
const mostSteps = 100_000;
/** Series that are known to have every step between two. */
const mostKnown = 10_000;

/** Every step from the first to the last. */
interface StepRange {
  readonly first: number;
  readonly last: number;
}

/** Steps, ascending. */
type Steps = readonly number[] | StepRange;

type Limits = Pick<SampleHistory, 'from' | 'to' | 'steps'>;

/**
 * Which steps of some series a sample has: spread evenly over those that any of them has, with the first and the last of each, as MLflow's
 * server picks them.
 *
 * That takes the list of all steps. Where a metric has every step between its ends, as is usual, these say it; and since points are never
 * taken from a run, what was once counted without a gap stays so: only what came later is counted at the next look.
 */
export function openSampling(): (db: Db, series: readonly Series[], limits: Limits) => Promise<readonly number[]> {
  const known = new Map<string, StepRange>();

  const hasEveryStep = async (db: Db, series: Series, { first, last }: StepRange): Promise<boolean> => {
    const key = `${series.run} ${series.name}`;
    const before = known.get(key);
    if (before?.first === first && before.last === last) return true;
    const from = before?.first === first ? Math.min(before.last, last) : first;
    if ((await countSteps(db, series, from, last)) !== last - from + 1) return false;
    known.delete(key);
    known.set(key, { first, last });
    for (const oldest of known.keys()) {
      if (known.size <= mostKnown) break;
      known.delete(oldest);
    }
    return true;
  };

  /** All steps of a series; of a long one those next to evenly spread places, so that its millions are not read. */
  const stepsToChooseFrom = async (db: Db, series: Series, { from, to, steps }: Limits): Promise<Steps> => {
    const ends = await stepEndsOf(db, series);
    if (ends === undefined) return [];
    if (ends.last - ends.first < mostSteps && (await hasEveryStep(db, series, ends))) return ends;
    const all = await stepsOf(db, series, mostSteps);
    return all ?? stepsNear(db, series, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), places: steps });
  };

  return async (db, series, limits) => {
    return sampled(await Promise.all(series.map((one) => stepsToChooseFrom(db, one, limits))), limits);
  };
}

function sampled(choices: readonly Steps[], { from, to, steps: most }: Limits): readonly number[] {
  const ends = choices.flatMap((steps) =>
    isRange(steps) ? [steps] : steps.length === 0 ? [] : [{ first: steps[0], last: steps[steps.length - 1] }],
  );
  const low = from ?? 0;
  const high = to ?? Math.max(0, ...ends.map(({ last }) => last));
  const inside = within(choices.length === 1 ? choices[0] : union(choices), low, high);
  const found = new Set(ends.flatMap(({ first, last }) => [first, last]).filter((step) => step >= low && step <= high));
  const count = isRange(inside) ? Math.max(0, inside.last - inside.first + 1) : inside.length;
  const stepAt = (at: number): number => (isRange(inside) ? inside.first + at : inside[at]);
  if (count <= most) for (let at = 0; at < count; at++) found.add(stepAt(at));
  else {
    for (let at = 0; at < most; at++) found.add(stepAt(Math.floor((at * count) / most)));
    found.add(stepAt(count - 1));
  }
  return [...found].sort((a, b) => a - b);
}

function within(steps: Steps, low: number, high: number): Steps {
  return isRange(steps)
    ? { first: Math.max(steps.first, low), last: Math.min(steps.last, high) }
    : steps.filter((step) => step >= low && step <= high);
}

function union(choices: readonly Steps[]): Steps {
  const ranges = choices.filter(isRange).sort((a, b) => a.first - b.first);
  if (ranges.length === choices.length && ranges.length > 0) {
    let last = ranges[0].last;
    const touching = ranges.every((range) => {
      const touches = range.first <= last + 1;
      last = Math.max(last, range.last);
      return touches;
    });
    if (touching) return { first: ranges[0].first, last };
  }
  const all = new Set<number>();
  for (const steps of choices) {
    if (isRange(steps)) for (let step = steps.first; step <= steps.last; step++) all.add(step);
    else for (const step of steps) all.add(step);
  }
  return [...all].sort((a, b) => a - b);
}

function isRange(steps: Steps): steps is StepRange {
  return !Array.isArray(steps);
}
