import { GyreError } from '#core';
import { runStatuses } from '#contract';
import type { Permission, Run } from '#contract';
import { ownRunId } from '#training';
import { actorOfCall } from './caller.ts';
import { chosenId, makeOnce } from './chosen-id.ts';
import { exchange } from './exchange.ts';
import { requirePoint, requireParameter, requireTag } from './limits.ts';
import { emptyText, integer, invalidValue, list, nested, required, text } from './message.ts';
import { loggedPoint, metricFields } from './points.ts';
import type { GuardedCall, MlflowOptions, MlflowRoute } from './port.ts';
import { runInfoRecord, runRecord } from './records.ts';
import { conditionsOf, limitOf, orderOf, viewOf } from './search.ts';

const log: Permission = 'log';
const keyValue = nested({ key: required(text), value: emptyText });
/** What clients of MLflow before 1.0 call a run's id. */
const renamed = { run_uuid: 'run_id' };
const mostRuns = 50_000;
const usualRuns = 1000;

/** Runs: made, read, ended, deleted, restored, searched, and single values logged to them. */
export function runRoutes({ training: { tracking, loggedModels } }: MlflowOptions): readonly MlflowRoute[] {
  return [
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/create',
      permission: log,
      request: { experiment_id: text, user_id: text, run_name: text, start_time: integer, tags: list(keyValue) },
      run: async ({ experiment_id: experiment, user_id: user, run_name: name, start_time: startedAt, tags }, call) => {
        for (const [at, tag] of tags.entries()) requireTag(tag, `tags[${at}]`);
        const chosen = chosenId(call, /^[0-9a-f]{32}$/);
        const into = experiment || '0';
        const run = await makeOnce(
          chosen === undefined ? undefined : ownRunId(chosen),
          () =>
            tracking.createRun({
              experiment: into,
              ...(chosen === undefined ? {} : { id: ownRunId(chosen) }),
              ...(user ? { user } : {}),
              ...(name ? { name } : {}),
              ...(startedAt ? { startedAt } : {}),
              tags,
              by: actorOfCall(call),
            }),
          async (id) => {
            const existing = await tracking.getRun(id);
            return existing.experiment === into ? existing : undefined;
          },
        );
        return { run: runRecord(run) };
      },
    }),
    exchange({
      method: 'GET',
      path: '/2.0/mlflow/runs/get',
      permission: 'read',
      request: { run_id: required(text) },
      renamed,
      run: async ({ run_id: id }) => ({ run: runRecord(await tracking.getRun(ownRunId(id))) }),
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/update',
      permission: log,
      request: { run_id: required(text), status: text, end_time: integer, run_name: text },
      renamed,
      run: async ({ run_id: id, status, end_time: endedAt, run_name: name }, call) => {
        const info = await tracking.updateRun({
          id: ownRunId(id),
          ...(status === undefined ? {} : { status: statusOf(status) }),
          ...(endedAt === undefined ? {} : { endedAt }),
          ...(name === undefined ? {} : { name }),
          by: actorOfCall(call),
        });
        return { run_info: runInfoRecord(info) };
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/delete',
      permission: log,
      request: { run_id: required(text) },
      run: async ({ run_id: id }, call) => tracking.deleteRun({ id: ownRunId(id), by: actorOfCall(call) }).then(() => undefined),
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/restore',
      permission: log,
      request: { run_id: required(text) },
      run: async ({ run_id: id }, call) => tracking.restoreRun({ id: ownRunId(id), by: actorOfCall(call) }).then(() => undefined),
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/search',
      permission: 'read',
      request: {
        experiment_ids: list(text),
        filter: text,
        run_view_type: text,
        max_results: integer,
        order_by: list(text),
        page_token: text,
      },
      run: async (
        { experiment_ids: experiments, filter, run_view_type: view, max_results: asked, order_by: order, page_token: after },
        call,
      ) => {
        const limit = limitOf(asked, usualRuns, mostRuns);
        const { items, next } = await tracking.searchRuns({
          experiments: experiments.filter((id) => mayRead(call, id)),
          view: viewOf(view),
          conditions: conditionsOf('run', filter),
          order: orderOf('run', order),
          limit,
          ...(after ? { after } : {}),
        });
        return { runs: items.map(runRecord), ...(next === undefined ? {} : { next_page_token: next }) };
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/log-metric',
      permission: log,
      request: { run_id: required(text), ...metricFields },
      renamed,
      run: async ({ run_id: id, ...metric }) => {
        requirePoint(metric);
        await tracking.logBatch(ownRunId(id), { metrics: [loggedPoint(metric)] });
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/log-parameter',
      permission: log,
      request: { run_id: required(text), key: required(text), value: emptyText },
      renamed,
      run: async ({ run_id: id, key, value }) => {
        requireParameter({ key, value });
        await tracking.logBatch(ownRunId(id), { parameters: [{ key, value }] });
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/set-tag',
      permission: log,
      request: { run_id: required(text), key: required(text), value: emptyText },
      renamed,
      run: async ({ run_id: id, key, value }) => {
        requireTag({ key, value });
        await tracking.logBatch(ownRunId(id), { tags: [{ key, value }] });
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/delete-tag',
      permission: log,
      request: { run_id: required(text), key: required(text) },
      run: async ({ run_id: id, key }) => tracking.deleteTag(ownRunId(id), key).then(() => undefined),
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/log-inputs',
      permission: log,
      request: {
        run_id: required(text),
        datasets: list(
          nested({
            tags: list(keyValue),
            dataset: required(
              nested({
                name: required(text),
                digest: required(text),
                source_type: required(text),
                source: required(text),
                schema: text,
                profile: text,
              }),
            ),
          }),
        ),
        models: list(nested({ model_id: required(text) })),
      },
      run: async ({ run_id: id, datasets, models }) => {
        for (const { dataset } of datasets) requireDataset(dataset);
        const run = ownRunId(id);
        await loggedModels.link(
          run,
          models.map(({ model_id: model }) => ({ model, role: 'input', step: 0 })),
        );
        await tracking.logDatasets(
          run,
          datasets.map(({ dataset: { source_type: sourceType, schema, profile, ...dataset }, tags }) => ({
            dataset: { ...dataset, sourceType, ...(schema === undefined ? {} : { schema }), ...(profile === undefined ? {} : { profile }) },
            tags: tags,
          })),
        );
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/experiments/search-datasets',
      permission: 'read',
      request: { experiment_ids: list(text) },
      run: async ({ experiment_ids: experiments }, call) => {
        if (experiments.length === 0)
          throw new GyreError('INVALID_ARGUMENT', 'SearchDatasets request must specify at least one experiment_id.');
        if (experiments.length > mostExperiments)
          throw new GyreError(
            'INVALID_ARGUMENT',
            `SearchDatasets request cannot specify more than ${mostExperiments} experiment_ids. Received ${experiments.length} experiment_ids.`,
          );
        const uses = await tracking.datasetsOf(experiments.filter((id) => mayRead(call, id)));
        return { dataset_summaries: uses.map(({ experiment, ...use }) => ({ experiment_id: experiment, ...use })) };
      },
    }),
  ];
}

function mayRead({ caller }: GuardedCall, experiment: string): boolean {
  return caller?.rights.may('read', 'experiment', experiment) ?? true;
}

const mostExperiments = 20;

/** The limits of MLflow's own tables. */
const longest = { name: 500, digest: 36, schema: 1_048_575, source: 65_535, profile: 16_777_215 } as const;

function requireDataset(dataset: Readonly<Record<keyof typeof longest, string | undefined>>): void {
  for (const key of ['name', 'digest', 'schema', 'source', 'profile'] as const) {
    const { length } = dataset[key] ?? '';
    if (length > longest[key]) throw invalidValue(`dataset.${key}`, length, `It exceeds the maximum length of ${longest[key]} characters.`);
  }
}

/** @throws GyreError INVALID_ARGUMENT */
function statusOf(status: string): Run['status'] {
  const known = runStatuses.find((one) => one === status);
  if (known === undefined) throw invalidValue('status', status, `It is one of ${runStatuses.join(', ')}.`);
  return known;
}
