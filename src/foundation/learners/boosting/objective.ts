import type { TaskKind } from '#stats';
import type { TrainingData } from '../matrix.ts';

/** A loss on margins [rows][outputs], flat. */
export interface BoostingObjective {
  readonly outputs: number;
  /** The constant margins to start from, float32. */
  baseMargins(data: TrainingData): number[];
  /** Writes gradient and hessian of one output, times the weight, per row. */
  gradients(data: TrainingData, margins: Float64Array, output: number, gradients: Float64Array, hessians: Float64Array): void;
  /** Weighted mean loss: log loss in nats, or root mean squared error. */
  loss(data: TrainingData, margins: Float64Array): number;
}

export function objectiveFor(task: TaskKind, classes: number): BoostingObjective {
  if (task === 'binary') return logistic;
  return task === 'multiclass' ? softmax(classes) : squared;
}

const logistic: BoostingObjective = {
  outputs: 1,
  baseMargins(data) {
    const [negative, positive] = classWeights(data, 2);
    return [Math.fround(Math.log(positive / negative))];
  },
  gradients({ targets, weights }, margins, _output, gradients, hessians) {
    for (let i = 0; i < targets.length; i++) {
      const p = 1 / (1 + Math.exp(-margins[i]));
      const weight = weights === undefined ? 1 : weights[i];
      gradients[i] = weight * (p - targets[i]);
      hessians[i] = weight * p * (1 - p);
    }
  },
  loss(data, margins) {
    return meanOver(data, (i) => {
      const signed = data.targets[i] === 1 ? -margins[i] : margins[i];
      return Math.max(0, signed) + Math.log1p(Math.exp(-Math.abs(signed)));
    });
  },
};

/** One tree per class and iteration; the hessian is the diagonal p (1 - p) (Friedman 2001, section 4.6). */
function softmax(classes: number): BoostingObjective {
  return {
    outputs: classes,
    baseMargins(data) {
      const weights = classWeights(data, classes);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      // A class without weight would start at minus infinity.
      return weights.map((weight) => Math.fround(Math.log(Math.max(weight, 1e-3) / total)));
    },
    gradients({ targets, weights }, margins, output, gradients, hessians) {
      for (let i = 0; i < targets.length; i++) {
        const p = Math.exp(margins[i * classes + output] - logSumExp(margins, i * classes, classes));
        const weight = weights === undefined ? 1 : weights[i];
        gradients[i] = weight * (p - (targets[i] === output ? 1 : 0));
        hessians[i] = weight * p * (1 - p);
      }
    },
    loss(data, margins) {
      return meanOver(data, (i) => logSumExp(margins, i * classes, classes) - margins[i * classes + data.targets[i]]);
    },
  };
}

const squared: BoostingObjective = {
  outputs: 1,
  baseMargins(data) {
    return [Math.fround(meanOver(data, (i) => data.targets[i]))];
  },
  gradients({ targets, weights }, margins, _output, gradients, hessians) {
    for (let i = 0; i < targets.length; i++) {
      const weight = weights === undefined ? 1 : weights[i];
      gradients[i] = weight * (margins[i] - targets[i]);
      hessians[i] = weight;
    }
  },
  loss(data, margins) {
    return Math.sqrt(meanOver(data, (i) => (margins[i] - data.targets[i]) ** 2));
  },
};

/** log of the sum of exponentials of `count` margins from `start`, without overflow. */
export function logSumExp(margins: Float64Array, start: number, count: number): number {
  let greatest = -Infinity;
  for (let k = 0; k < count; k++) greatest = Math.max(greatest, margins[start + k]);
  let sum = 0;
  for (let k = 0; k < count; k++) sum += Math.exp(margins[start + k] - greatest);
  return greatest + Math.log(sum);
}

function classWeights({ targets, weights }: TrainingData, classes: number): number[] {
  const sums = Array.from({ length: classes }, () => 0);
  for (let i = 0; i < targets.length; i++) sums[targets[i]] += weights === undefined ? 1 : weights[i];
  return sums;
}

function meanOver({ targets, weights }: TrainingData, value: (row: number) => number): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < targets.length; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    sum += weight * value(i);
    total += weight;
  }
  return sum / total;
}
