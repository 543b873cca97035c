import type { ModelReport, Total } from '#serving';

/** How often, and how many nanoseconds all in all. */
export interface StatisticDuration {
  readonly count: number;
  readonly ns: number;
}

/** `ModelStatistics` of the statistics extension. */
export interface ModelStats {
  readonly name: string;
  readonly version: string;
  /** UTC milliseconds. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<(typeof inferenceStats)[number], StatisticDuration>>;
  readonly batch_stats: readonly ({ readonly batch_size: number } & Readonly<Record<(typeof batchStats)[number], StatisticDuration>>)[];
}

/** In the order of their field numbers. */
export const inferenceStats = [
  'success',
  'fail',
  'queue',
  'compute_input',
  'compute_infer',
  'compute_output',
  'cache_hit',
  'cache_miss',
] as const;
export const batchStats = ['compute_input', 'compute_infer', 'compute_output'] as const;

const never: StatisticDuration = { count: 0, ns: 0 };

/** What a model has done since it was loaded. */
export function modelStats({ name, version, totals }: Pick<ModelReport, 'name' | 'version' | 'totals'>): ModelStats {
  const batches = totals.batches.map(({ rows, runs, inputMs, inferMs, outputMs }) => ({
    batch_size: rows,
    compute_input: duration({ count: runs, ms: inputMs }),
    compute_infer: duration({ count: runs, ms: inferMs }),
    compute_output: duration({ count: runs, ms: outputMs }),
  }));
  return {
    name,
    version,
    last_inference: totals.lastAt,
    inference_count: totals.rows,
    execution_count: batches.reduce((sum, { compute_infer: { count } }) => sum + count, 0),
    inference_stats: {
      success: duration(totals.success),
      fail: duration(totals.failure),
      queue: duration(totals.queue),
      ...computeOf(totals),
      cache_hit: never,
      cache_miss: never,
    },
    batch_stats: batches,
  };
}

/** Of all runs, by the number of requests that were answered. */
function computeOf({ batches, success }: ModelReport['totals']): Record<(typeof batchStats)[number], StatisticDuration> {
  const sum = (part: 'inputMs' | 'inferMs' | 'outputMs'): StatisticDuration =>
    duration({ count: success.count, ms: batches.reduce((total, batch) => total + batch[part], 0) });
  return { compute_input: sum('inputMs'), compute_infer: sum('inferMs'), compute_output: sum('outputMs') };
}

const duration = ({ count, ms }: Total): StatisticDuration => ({ count, ns: Math.round(ms * 1e6) });
