import { exp32 } from './exp32.ts';

/** What becomes of the scores of a row that begin at `at` in `scores`, in their place. */
export type PostTransform = (scores: Float32Array, at: number, count: number) => void;

/** The transforms of the classic learners, as onnxruntime/core/providers/cpu/ml/ml_common.h has them; undefined for one that is not known. */
export function postTransform(name: string, isFused: boolean): PostTransform | undefined {
  if (name === 'NONE') return () => undefined;
  if (name === 'LOGISTIC') {
    return (scores, at, count) => {
      for (let each = at; each < at + count; each++) scores[each] = logisticByExp(scores[each], isFused);
    };
  }
  if (name === 'SOFTMAX') return (scores, at, count) => softmaxByExp(scores, { at, count, isFused });
  return undefined;
}

/** 1 / (1 + e^-|x|), or what is missing from it to 1 where x is negative. */
export function logisticByExp(value: number, isFused: boolean): number {
  const share = Math.fround(1 / Math.fround(1 + exp32(-Math.abs(value), isFused)));
  return value < 0 ? Math.fround(1 - share) : share;
}

const lowest = -3.4028234663852886e38;

interface Span {
  readonly at: number;
  readonly count: number;
  readonly isFused: boolean;
}

function softmaxByExp(scores: Float32Array, { at, count, isFused }: Span): void {
  let greatest = lowest;
  for (let each = at; each < at + count; each++) if (scores[each] > greatest) greatest = scores[each];
  let sum = 0;
  for (let each = at; each < at + count; each++) {
    scores[each] = exp32(Math.fround(scores[each] - greatest), isFused);
    sum = Math.fround(sum + scores[each]);
  }
  for (let each = at; each < at + count; each++) scores[each] /= sum;
}
