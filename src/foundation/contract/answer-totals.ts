import { Type, type Static } from 'typebox';
import { oneOf, strict } from './common.ts';

const Count = Type.Integer({ minimum: 0 });

/** Buckets of latencies: bucket k holds what took up to `leastMs` x `growth`^k, and more than the bucket before. */
export const latencyBuckets = { leastMs: 0.05, growth: 1.1, count: 160 } as const;

/** What a model has answered since its data plane began to count. Two readings of the same count differ by what came between them. */
export const AnswerTotals = strict({
  since: Type.Integer({ description: 'when the count began, UTC milliseconds: another count has another beginning' }),
  requests: Type.Integer({ minimum: 0, description: 'answered or failed' }),
  errors: Count,
  latencies: Type.Record(Type.String(), Count, { description: 'bucket of latency (1.1^k x 0.05 ms) → requests' }),
  predictions: Type.Optional(
    strict({
      kind: oneOf(['label', 'probability', 'value'], {
        description:
          'what is counted: labels; twentieths of the second class’s probability; values in steps of 1 % of their size, numbered in their order',
      }),
      bins: Type.Record(Type.String(), Count),
    }),
  ),
  different: Type.Optional(Type.Integer({ minimum: 0, description: 'of a shadow: requests that it answered otherwise' })),
});
export type AnswerTotals = Static<typeof AnswerTotals>;
