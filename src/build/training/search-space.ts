import type { Parameters, SearchAxis, SearchSpec } from '#contract';
import { GyreError, seedOf, seeded } from '#core';
import type { Random } from '#core';
import { learnerCatalog, resolveParams } from '#learners';
import type { LearnerName, LearnerParams } from '#learners';

/** A trial before it ran. */
export interface PlannedTrial {
  readonly trial: number;
  readonly seed: number;
  /** All parameters of the learner, defaults filled in. */
  readonly params: LearnerParams;
}

const defaultTrials = 10;
const mostGridPoints = 10_000;
const mostIntegers = 100;

/**
 * The trials of a study. Each one's seed and values depend on the study's seed and its number alone, so that trial k is the same whatever
 * runs before or beside it; the order in which axes were written does not matter.
 * @throws GyreError INVALID_ARGUMENT for parameters that the learner does not have, values out of range, an axis that means nothing
 */
export function planTrials(
  trainer: LearnerName,
  shared: Parameters,
  search: SearchSpec | undefined,
  seed: number,
): readonly PlannedTrial[] {
  const base = numbersOf(trainer, shared);
  if (search !== undefined) requireAxes(trainer, search);
  const points = search === undefined ? [{}] : search.algorithm === 'grid' ? gridPoints(search) : randomPoints(trainer, search, seed);
  return points.map((point, trial) => ({
    trial,
    seed: seedOf(seed, 'trial', trial),
    params: resolveParams(trainer, { ...base, ...numbersOf(trainer, point) }),
  }));
}

function requireAxes(trainer: LearnerName, { space }: SearchSpec): void {
  const known = learnerCatalog[trainer].params.map(({ name }) => name);
  for (const [name, axis] of Object.entries(space)) {
    if (!known.includes(name)) {
      throw new GyreError('INVALID_ARGUMENT', `"${trainer}" has no parameter "${name}" to search over: it has ${known.join(', ')}`, {
        trainer,
        name,
      });
    }
    const range = Array.isArray(axis) ? undefined : rangeOf(axis);
    if (range === undefined) continue;
    const [low, high] = range;
    if (low > high)
      throw new GyreError('INVALID_ARGUMENT', `the range of "${name}" goes from ${low} down to ${high}: write [least, greatest]`, { name });
    if (!Array.isArray(axis) && 'log' in axis && low <= 0) {
      throw new GyreError('INVALID_ARGUMENT', `the logarithmic range of "${name}" begins at ${low}: it must begin above 0`, { name });
    }
  }
}

type RangeAxis = Exclude<SearchAxis, unknown[]>;

function rangeOf(axis: RangeAxis): readonly [number, number] {
  if ('log' in axis) return axis.log;
  return 'uniform' in axis ? axis.uniform : axis.integer;
}

function gridPoints({ space, trials }: SearchSpec): Parameters[] {
  let points: Parameters[] = [{}];
  for (const name of Object.keys(space).sort()) {
    const values = gridValues(name, space[name]);
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
    if (points.length > mostGridPoints) {
      throw new GyreError('INVALID_ARGUMENT', `the grid has more than ${mostGridPoints} points: search at random, or over fewer values`);
    }
  }
  if (trials === undefined || trials >= points.length) return points;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `the grid has ${points.length} points, and trials says ${trials}: leave trials out, or search at random`,
    {
      points: points.length,
      trials,
    },
  );
}

function gridValues(name: string, axis: SearchAxis): readonly Parameters[string][] {
  if (Array.isArray(axis)) return axis;
  if ('integer' in axis) {
    const [low, high] = axis.integer;
    if (high - low < mostIntegers) return Array.from({ length: high - low + 1 }, (_, at) => low + at);
  }
  throw new GyreError('INVALID_ARGUMENT', `a grid needs a list of values for "${name}", or a range of at most ${mostIntegers} integers`, {
    name,
  });
}

function randomPoints(trainer: LearnerName, { space, trials = defaultTrials }: SearchSpec, seed: number): Parameters[] {
  const names = Object.keys(space).sort();
  return Array.from({ length: trials }, (_, trial) => {
    const random = seeded(seedOf(seed, 'search', trial));
    return Object.fromEntries(names.map((name) => [name, draw(random, space[name], isInteger(trainer, name))]));
  });
}

const isInteger = (trainer: LearnerName, name: string): boolean =>
  learnerCatalog[trainer].params.some((param) => param.name === name && param.integer);

function draw(random: Random, axis: SearchAxis, whole: boolean): Parameters[string] {
  if (Array.isArray(axis)) return axis[random.int(axis.length)];
  const [low, high] = rangeOf(axis);
  if ('integer' in axis) return low + random.int(high - low + 1);
  const share = random.next();
  const value = 'log' in axis ? Math.exp(Math.log(low) + share * (Math.log(high) - Math.log(low))) : low + share * (high - low);
  // Six digits are enough for a parameter, and people can read them; rounding must not leave the range.
  return Math.min(high, Math.max(low, whole ? Math.round(value) : Number(value.toPrecision(6))));
}

function numbersOf(trainer: LearnerName, parameters: Parameters): LearnerParams {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      if (typeof value === 'number') return [name, value];
      throw new GyreError('INVALID_ARGUMENT', `"${name}" of "${trainer}" is ${JSON.stringify(value)}: a number is needed`, {
        trainer,
        name,
      });
    }),
  );
}
