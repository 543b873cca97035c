import { ownRunId, publicRunId } from '#training';
import { GyreError } from '#core';
import { exchange, jsonAnswer } from './exchange.ts';
import { integer, invalidValue, list, required, text } from './message.ts';
import type { MlflowOptions, MlflowRoute } from './port.ts';
import { metricRecord, numberRecord } from './records.ts';

const mostPoints = 25_000;
const mostRuns = 100;
const mostSteps = 2500;
const usualSteps = 320;

/** Metrics over time. */
export function historyRoutes({ training: { tracking } }: MlflowOptions): readonly MlflowRoute[] {
  return [
    exchange({
      method: 'GET',
      path: '/2.0/mlflow/metrics/get-history',
      permission: 'read',
      request: { run_id: required(text), metric_key: required(text), page_token: text, max_results: integer },
      renamed: { run_uuid: 'run_id' },
      run: async ({ run_id: id, metric_key: key, page_token: after, max_results: limit }) => {
        if (limit !== undefined && limit < 1) throw invalidValue('max_results', limit, 'It must be at least 1.');
        const { items, next } = await tracking.history(ownRunId(id), key, {
          ...(limit === undefined ? {} : { limit }),
          ...(after ? { after } : {}),
        });
        return { metrics: items.map(metricRecord), ...(next === undefined ? {} : { next_page_token: next }) };
      },
    }),
    {
      method: 'GET',
      path: '/2.0/mlflow/metrics/get-history-bulk',
      permission: 'read',
      handle: async ({ query }) => {
        const runs = query.getAll('run_id');
        if (runs.length === 0) throw new GyreError('INVALID_ARGUMENT', 'GetMetricHistoryBulk request must specify at least one run_id.');
        if (runs.length > mostRuns)
          throw new GyreError(
            'INVALID_ARGUMENT',
            `GetMetricHistoryBulk request cannot specify more than ${mostRuns} run_ids. Received ${runs.length} run_ids.`,
          );
        const key = query.get('metric_key');
        if (key === null) throw new GyreError('INVALID_ARGUMENT', 'GetMetricHistoryBulk request must specify a metric_key.');
        const limit = Math.min(mostPoints, integer.read(query.get('max_results') ?? String(mostPoints), 'max_results') ?? mostPoints);
        const points = await tracking.histories(runs.map(ownRunId).sort(), key, Math.max(1, limit));
        return jsonAnswer({
          metrics: points.map(({ run, value, timestamp, step }) => ({
            key,
            value: numberRecord(value),
            timestamp,
            step,
            run_id: publicRunId(run),
          })),
        });
      },
    },
    exchange({
      method: 'GET',
      path: '/2.0/mlflow/metrics/get-history-bulk-interval',
      permission: 'read',
      request: { run_ids: required(list(text)), metric_key: required(text), start_step: integer, end_step: integer, max_results: integer },
      run: async ({ run_ids: runs, metric_key: key, start_step: from, end_step: to, max_results: steps = usualSteps }) => {
        if (runs.length > mostRuns)
          throw new GyreError(
            'INVALID_ARGUMENT',
            `GetMetricHistoryBulkInterval request must specify at most ${mostRuns} run_ids. Received ${runs.length} run_ids.`,
          );
        if (steps < 1 || steps > mostSteps) throw invalidValue('max_results', steps, `max_results must be between 1 and ${mostSteps}.`);
        if ((from === undefined) !== (to === undefined))
          throw new GyreError('INVALID_ARGUMENT', 'If either start step or end step are specified, both must be specified.');
        if (from !== undefined && to !== undefined && from > to)
          throw new GyreError('INVALID_ARGUMENT', `end_step must be greater than start_step. Found start_step=${from} and end_step=${to}.`);
        const points = await tracking.sample({
          runs: runs.map(ownRunId),
          key,
          steps,
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
        });
        return { metrics: points.map(({ run, ...point }) => ({ ...metricRecord(point), run_id: publicRunId(run) })) };
      },
    }),
  ];
}
