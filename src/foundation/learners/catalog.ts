import { GyreError } from '#core';
import type { TaskKind } from '#stats';

export type LearnerName = 'logistic' | 'linear' | 'gbdt';

export interface LearnerParam {
  readonly name: string;
  readonly default: number;
  /** Least and greatest allowed value. */
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  /** Where a search looks unless told otherwise; `log` means evenly on a logarithmic scale. Absent for what is not worth searching. */
  readonly search?: { readonly low: number; readonly high: number; readonly log: boolean };
  readonly help: string;
}

/** A learner as others see it: what it can be fitted to, and the parameters that a run may set. */
export interface Learner {
  readonly name: LearnerName;
  readonly title: string;
  readonly help: string;
  readonly tasks: readonly TaskKind[];
  /** Whether NaN features are learned from; otherwise they are refused, to be imputed upstream. */
  readonly missingValues: boolean;
  readonly params: readonly LearnerParam[];
}

/** Parameter values by name, as runs record them. */
export type LearnerParams = Readonly<Record<string, number>>;

const logistic: Learner = {
  name: 'logistic',
  title: 'Logistic regression',
  help: 'Linear log-odds, L2 penalty, L-BFGS; binary and multinomial. Scale features upstream so that the penalty treats them alike.',
  tasks: ['binary', 'multiclass'],
  missingValues: false,
  params: [
    {
      name: 'l2',
      default: 1,
      min: 0,
      max: 1e9,
      integer: false,
      search: { low: 1e-3, high: 100, log: true },
      help: 'Penalty on coefficients (1 / C of scikit-learn)',
    },
    { name: 'max_iterations', default: 500, min: 1, max: 100_000, integer: true, help: 'Upper bound of optimiser steps' },
  ],
};

const linear: Learner = {
  name: 'linear',
  title: 'Ridge regression',
  help: 'Least squares with an L2 penalty, solved exactly.',
  tasks: ['regression'],
  missingValues: false,
  params: [
    {
      name: 'l2',
      default: 1,
      min: 0,
      max: 1e9,
      integer: false,
      search: { low: 1e-3, high: 1000, log: true },
      help: 'Penalty on coefficients (alpha of scikit-learn)',
    },
  ],
};

const gbdt: Learner = {
  name: 'gbdt',
  title: 'Gradient boosted trees',
  help: 'Histogram trees, grown leaf by leaf; missing values are learned from; categories come encoded from the transforms.',
  tasks: ['binary', 'multiclass', 'regression'],
  missingValues: true,
  params: [
    {
      name: 'iterations',
      default: 400,
      min: 1,
      max: 10_000,
      integer: true,
      help: 'Upper bound of iterations (one tree each, or one per class)',
    },
    {
      name: 'learning_rate',
      default: 0.03,
      min: 1e-4,
      max: 1,
      integer: false,
      search: { low: 0.01, high: 0.2, log: true },
      help: 'How far each tree steps',
    },
    { name: 'max_leaves', default: 7, min: 2, max: 256, integer: true, search: { low: 4, high: 24, log: true }, help: 'Leaves per tree' },
    { name: 'max_depth', default: 6, min: 1, max: 32, integer: true, search: { low: 2, high: 8, log: false }, help: 'Depth of a tree' },
    {
      name: 'min_samples_leaf',
      default: 20,
      min: 1,
      max: 1_000_000,
      integer: true,
      search: { low: 5, high: 100, log: true },
      help: 'Least number of rows in a leaf',
    },
    { name: 'min_child_hessian', default: 0.001, min: 0, max: 1e9, integer: false, help: 'Least sum of hessians in a leaf' },
    { name: 'l2', default: 5, min: 0, max: 1e9, integer: false, search: { low: 0.5, high: 50, log: true }, help: 'Penalty on leaf values' },
    { name: 'min_gain', default: 0, min: 0, max: 1e9, integer: false, help: 'Least gain of a split' },
    {
      name: 'subsample',
      default: 0.8,
      min: 0.01,
      max: 1,
      integer: false,
      search: { low: 0.5, high: 1, log: false },
      help: 'Share of rows drawn for each tree',
    },
    {
      name: 'colsample',
      default: 0.4,
      min: 0.01,
      max: 1,
      integer: false,
      search: { low: 0.2, high: 1, log: false },
      help: 'Share of features drawn for each tree',
    },
    { name: 'max_bins', default: 255, min: 2, max: 255, integer: true, help: 'Bins per feature' },
    {
      name: 'early_stopping_rounds',
      default: 30,
      min: 0,
      max: 10_000,
      integer: true,
      help: 'Iterations without a better validation loss before it stops (0: never)',
    },
  ],
};

/** Every learner by name. */
export const learnerCatalog: Readonly<Record<LearnerName, Learner>> = { logistic, linear, gbdt };

/** Whether a name from outside is a learner's. */
export function isLearnerName(name: string): name is LearnerName {
  return Object.hasOwn(learnerCatalog, name);
}

/**
 * All parameters of a learner: those given, and defaults for the rest, in the catalog's order.
 * @throws GyreError INVALID_ARGUMENT for an unknown name or a value out of range; the message lists what there is
 */
export function resolveParams(learner: LearnerName, given: LearnerParams = {}): LearnerParams {
  const { params } = learnerCatalog[learner];
  for (const name of Object.keys(given))
    if (!params.some((param) => param.name === name))
      throw new GyreError(
        'INVALID_ARGUMENT',
        `"${learner}" has no parameter "${name}": it has ${params.map((param) => param.name).join(', ')}`,
        { learner, name },
      );
  return Object.fromEntries(params.map((param) => [param.name, checked(learner, param, given[param.name] ?? param.default)]));
}

function checked(learner: LearnerName, { name, min, max, integer }: LearnerParam, value: number): number {
  if (value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `"${name}" of "${learner}" is ${value}: it must be ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`,
    {
      learner,
      name,
      value,
    },
  );
}
