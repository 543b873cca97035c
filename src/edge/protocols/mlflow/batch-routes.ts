import { GyreError } from '#core';
import { ownRunId } from '#training';
import { exchange } from './exchange.ts';
import {
  mostEntities,
  mostMetrics,
  mostParameters,
  mostTags,
  requireAtMost,
  requireParameter,
  requirePoint,
  requireTag,
} from './limits.ts';
import { emptyText, list, nested, object, required, text } from './message.ts';
import { loggedPoint, metricFields } from './points.ts';
import type { MlflowOptions, MlflowRoute } from './port.ts';

const keyValue = nested({ key: required(text), value: emptyText });
/** The tag that old clients find a run's models in. */
const loggedModelsTag = 'mlflow.log-model.history';

/** What is logged in one go, all or nothing. */
export function batchRoutes({ training: { tracking } }: MlflowOptions): readonly MlflowRoute[] {
  return [
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/log-batch',
      permission: 'log',
      request: { run_id: required(text), metrics: list(nested(metricFields)), params: list(keyValue), tags: list(keyValue) },
      run: async ({ run_id: id, metrics, params, tags }) => {
        requireAtMost('metrics', mostMetrics, metrics.length);
        requireAtMost('params', mostParameters, params.length);
        requireAtMost('tags', mostTags, tags.length);
        requireAtMost('metrics, params, and tags', mostEntities, metrics.length + params.length + tags.length);
        for (let at = 0; at < metrics.length; at++) requirePoint(metrics[at], at);
        for (const [at, one] of params.entries()) requireParameter({ key: one.key, value: one.value }, `params[${at}]`);
        for (const [at, one] of tags.entries()) requireTag({ key: one.key, value: one.value }, `tags[${at}]`);
        requireUnique(params.map(({ key }) => key));
        await tracking.logBatch(ownRunId(id), {
          metrics: metrics.map(loggedPoint),
          parameters: params,
          tags: tags,
        });
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/runs/log-model',
      permission: 'log',
      request: { run_id: required(text), model_json: required(text) },
      run: async ({ run_id: id, model_json: json }) => {
        const model = modelOf(json);
        const run = await tracking.getRun(ownRunId(id));
        const before = run.tags.find(({ key }) => key === loggedModelsTag)?.value;
        const models: unknown = before === undefined ? [] : JSON.parse(before);
        const value = JSON.stringify(Array.isArray(models) ? [...(models as readonly unknown[]), model] : [model]);
        requireTag({ key: loggedModelsTag, value });
        await tracking.logBatch(ownRunId(id), { tags: [{ key: loggedModelsTag, value }] });
        return undefined;
      },
    }),
  ];
}

function requireUnique(keys: readonly string[]): void {
  if (new Set(keys).size === keys.length) return;
  const twice = keys.filter((key, at) => keys.indexOf(key) !== at);
  throw new GyreError(
    'INVALID_ARGUMENT',
    `Duplicate parameter keys have been submitted: ${JSON.stringify([...new Set(twice)])}. Please ensure the request contains only one param value per param key.`,
  );
}

const neededOfModel = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'];

function modelOf(json: string): Readonly<Record<string, unknown>> {
  const refuse = (why: string): GyreError => new GyreError('INVALID_ARGUMENT', `Malformed model info. \n ${why}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw refuse('The model is no JSON.');
  }
  const model = object.read(parsed, 'model_json');
  if (model === undefined) throw refuse('The model is no JSON object.');
  const missing = neededOfModel.filter((name) => !Object.hasOwn(model, name));
  if (missing.length > 0) throw new GyreError('INVALID_ARGUMENT', `Model json is missing mandatory fields: ${JSON.stringify(missing)}`);
  return model;
}
