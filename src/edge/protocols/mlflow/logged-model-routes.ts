import { parseLoggedModelOrderBy } from '#contract';
import type { LoggedModelOrderBy } from '#contract';
import { GyreError } from '#core';
import { loggedModelStatuses, modelArtifactsOf, ownRunId } from '#training';
import type { LoggedModel, LoggedModelStatus, ModelDataset, ModelPoint } from '#training';
import { actorOfCall } from './caller.ts';
import { chosenId, makeOnce } from './chosen-id.ts';
import { exchange } from './exchange.ts';
import { requireLoggedModelName } from './limits.ts';
import { emptyText, flag, integer, list, missingValue, nested, required, text } from './message.ts';
import type { Field } from './message.ts';
import type { MlflowOptions, MlflowRoute } from './port.ts';
import { numberRecord } from './records.ts';
import { conditionsOf, limitOf } from './search.ts';

const keyValue = nested({ key: required(text), value: emptyText });
const usualModels = 100;
const mostModels = 50_000;
/** The limit of MLflow's own tables. */
const longestKey = 255;

/** The protocol's words for a status, in the order of their numbers. */
const statusWords: Readonly<Record<LoggedModelStatus, string>> = {
  UNSPECIFIED: 'LOGGED_MODEL_STATUS_UNSPECIFIED',
  PENDING: 'LOGGED_MODEL_PENDING',
  READY: 'LOGGED_MODEL_READY',
  FAILED: 'LOGGED_MODEL_UPLOAD_FAILED',
};

/** A status by its word or number. */
const status: Field<LoggedModelStatus | undefined> = {
  ...text,
  absent: undefined,
  read: (value) => loggedModelStatuses.find((one, at) => value === statusWords[one] || value === at || value === String(at)),
};

/** Models as runs log them: made, finished, tagged, searched, deleted, and what runs made and used. */
export function loggedModelRoutes({ training: { loggedModels } }: MlflowOptions): readonly MlflowRoute[] {
  const one = '/2.0/mlflow/logged-models/:model_id';
  return [
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/logged-models',
      permission: 'log',
      request: {
        experiment_id: required(text),
        name: text,
        model_type: text,
        source_run_id: text,
        params: list(keyValue),
        tags: list(keyValue),
      },
      run: async ({ experiment_id: experiment, name, model_type: modelType, source_run_id: sourceRun, params, tags }, call) => {
        requireLoggedModelName(name ?? '');
        for (const { key } of [...params, ...tags]) requireShortKey(key);
        const id = chosenId(call, /^m-[0-9a-f]{32}$/);
        const request = {
          experiment,
          ...(id === undefined ? {} : { id }),
          ...(name ? { name } : {}),
          ...(modelType ? { modelType } : {}),
          ...(sourceRun ? { sourceRun } : {}),
          parameters: params,
          tags,
          by: actorOfCall(call),
        };
        const existing = async (known: string): Promise<LoggedModel | undefined> =>
          (await loggedModels.experimentOf(known)) === experiment ? loggedModels.get(known, { deleted: true }) : undefined;
        return { model: modelRecord(await makeOnce(id, () => loggedModels.create(request), existing)) };
      },
    }),
    exchange({
      method: 'GET',
      path: one,
      permission: 'read',
      request: { model_id: required(text), allow_deleted: flag },
      run: async ({ model_id: id, allow_deleted: deleted = false }) => ({ model: modelRecord(await loggedModels.get(id, { deleted })) }),
    }),
    exchange({
      method: 'PATCH',
      path: one,
      permission: 'log',
      request: { model_id: required(text), status: required(status) },
      run: async ({ model_id: id, status: wanted }, call) => ({
        model: modelRecord(await loggedModels.setStatus({ id, status: wanted, by: actorOfCall(call) })),
      }),
    }),
    exchange({
      method: 'DELETE',
      path: one,
      permission: 'log',
      request: { model_id: required(text) },
      run: async ({ model_id: id }, call) => loggedModels.delete({ id, by: actorOfCall(call) }).then(() => undefined),
    }),
    exchange({
      method: 'POST',
      path: `${one}/params`,
      permission: 'log',
      request: { model_id: required(text), params: list(keyValue) },
      run: async ({ model_id: id, params }) => {
        for (const { key } of params) requireShortKey(key);
        await loggedModels.logParameters(id, params);
        return undefined;
      },
    }),
    exchange({
      method: 'PATCH',
      path: `${one}/tags`,
      permission: 'log',
      request: { model_id: required(text), tags: list(keyValue) },
      run: async ({ model_id: id, tags }) => {
        for (const { key } of tags) requireShortKey(key);
        await loggedModels.setTags(id, tags);
        return undefined;
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${one}/tags/:tag_key`,
      permission: 'log',
      request: { model_id: required(text), tag_key: required(text) },
      run: async ({ model_id: id, tag_key: key }) => loggedModels.deleteTag(id, key).then(() => undefined),
    }),
    searchRoute(loggedModels),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/outputs',
      permission: 'log',
      request: { run_id: required(text), models: list(nested({ model_id: required(text), step: integer })) },
      run: async ({ run_id: id, models }) => {
        await loggedModels.link(
          ownRunId(id),
          models.map(({ model_id: model, step = 0 }) => ({ model, role: 'output', step })),
        );
        return undefined;
      },
    }),
  ];
}

function searchRoute(loggedModels: MlflowOptions['training']['loggedModels']): MlflowRoute {
  return exchange({
    method: 'POST',
    path: '/2.0/mlflow/logged-models/search',
    permission: 'read',
    request: {
      experiment_ids: list(text),
      filter: text,
      datasets: list(nested({ dataset_name: text, dataset_digest: text })),
      max_results: integer,
      order_by: list(nested({ field_name: required(text), ascending: flag, dataset_name: text, dataset_digest: text })),
      page_token: text,
    },
    run: async ({ experiment_ids: asked, filter, datasets, max_results: most, order_by: order, page_token: after }, { caller }) => {
      if (asked.length === 0) throw missingValue('experiment_ids');
      const limit = limitOf(most || undefined, usualModels, mostModels);
      const experiments = asked.filter((id) => caller?.rights.may('read', 'experiment', id) ?? true);
      const { items, next } = await loggedModels.search({
        experiments,
        conditions: conditionsOf('logged_model', filter),
        datasets: datasets.map(modelDataset),
        order: loggedModelOrder(order.map(orderBy)),
        limit,
        ...(after ? { after } : {}),
      });
      return {
        ...(items.length === 0 ? {} : { models: items.map(modelRecord) }),
        ...(next === undefined ? {} : { next_page_token: next }),
      };
    },
  });
}

function modelDataset({
  dataset_name: name,
  dataset_digest: digest,
}: {
  readonly dataset_name?: string | undefined;
  readonly dataset_digest?: string | undefined;
}): ModelDataset {
  if (!name) throw new GyreError('INVALID_ARGUMENT', '`dataset_name` in the `datasets` clause must be specified.');
  return { name, ...(digest ? { digest } : {}) };
}

function orderBy(item: { readonly [K in keyof LoggedModelOrderBy]: LoggedModelOrderBy[K] | undefined }): LoggedModelOrderBy {
  const { field_name = '', ascending = true, dataset_name = '', dataset_digest = '' } = item;
  return { field_name, ascending, dataset_name, dataset_digest };
}

function loggedModelOrder(
  items: readonly LoggedModelOrderBy[],
): Extract<ReturnType<typeof parseLoggedModelOrderBy>, { ok: true }>['value'] {
  const parsed = parseLoggedModelOrderBy(items);
  if (parsed.ok) return parsed.value;
  throw new GyreError('INVALID_ARGUMENT', parsed.message);
}

function requireShortKey(key: string): void {
  if (key.length > longestKey)
    throw new GyreError('INVALID_ARGUMENT', `'key' exceeds the maximum length of ${longestKey} characters`, { length: key.length });
}

function modelRecord(model: LoggedModel): object {
  return {
    info: {
      model_id: model.id,
      experiment_id: model.experiment,
      name: model.name,
      creation_timestamp_ms: model.createdAt,
      last_updated_timestamp_ms: model.updatedAt,
      artifact_uri: modelArtifactsOf(model),
      status: statusWords[model.status],
      ...(model.modelType === undefined ? {} : { model_type: model.modelType }),
      ...(model.sourceRun === undefined ? {} : { source_run_id: model.sourceRun }),
      ...(model.tags.length === 0 ? {} : { tags: model.tags }),
    },
    data: {
      ...(model.parameters.length === 0 ? {} : { params: model.parameters }),
      ...(model.metrics.length === 0 ? {} : { metrics: model.metrics.map((point) => pointRecord(model.id, point)) }),
    },
  };
}

function pointRecord(model: string, { key, value, timestamp, step, run, dataset }: ModelPoint): object {
  return {
    key,
    value: numberRecord(value),
    timestamp,
    step,
    ...(dataset === undefined ? {} : { dataset_name: dataset.name }),
    ...(dataset?.digest === undefined ? {} : { dataset_digest: dataset.digest }),
    model_id: model,
    run_id: run,
  };
}
