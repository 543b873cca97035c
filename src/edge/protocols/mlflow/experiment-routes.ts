import { isEverywhere } from '#access';
import type { Reach } from '#access';
import type { Permission } from '#contract';
import { GyreError } from '#core';
import type { MessageOf } from './message.ts';
import type { GuardedCall, MlflowOptions, MlflowRoute } from './port.ts';
import { actorOfCall } from './caller.ts';
import { exchange } from './exchange.ts';
import { absoluteLocation, requireArtifactLocation, requireExperimentName, requireExperimentTag } from './limits.ts';
import { emptyText, integer, invalidValue, list, nested, required, text } from './message.ts';
import { experimentRecord } from './records.ts';
import { conditionsOf, limitOf, orderOf, viewOf } from './search.ts';

const log: Permission = 'log';
const keyValue = nested({ key: required(text), value: emptyText });
const mostExperiments = 50_000;
const usualExperiments = 1000;

/** Experiments: what runs belong to. */
export function experimentRoutes({ training: { tracking } }: MlflowOptions): readonly MlflowRoute[] {
  const search = { max_results: integer, page_token: text, filter: text, order_by: list(text), view_type: text };
  const searched = async (message: MessageOf<typeof search>, call: GuardedCall): Promise<object> => {
    const limit = limitOf(message.max_results, usualExperiments, mostExperiments);
    const { items, next } = await tracking.searchExperiments({
      view: viewOf(message.view_type),
      conditions: conditionsOf('experiment', message.filter),
      order: orderOf('experiment', message.order_by),
      limit,
      ...readable(call),
      ...(message.page_token ? { after: message.page_token } : {}),
    });
    return { experiments: items.map(experimentRecord), ...(next === undefined ? {} : { next_page_token: next }) };
  };
  return [
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/experiments/create',
      permission: log,
      request: { name: required(text), artifact_location: text, tags: list(keyValue) },
      run: async ({ name, artifact_location: location, tags }, call) => {
        requireExperimentName(name);
        for (const tag of tags) requireExperimentTag(tag);
        if (location) requireArtifactLocation(location);
        const { id } = await tracking.createExperiment({
          name,
          ...(location ? { artifactLocation: absoluteLocation(location) } : {}),
          tags,
          by: actorOfCall(call),
        });
        return { experiment_id: id };
      },
    }),
    exchange({
      method: 'GET',
      path: '/2.0/mlflow/experiments/get',
      permission: 'read',
      request: { experiment_id: required(text) },
      run: async ({ experiment_id: id }) => ({ experiment: experimentRecord(await tracking.getExperiment(id)) }),
    }),
    exchange({
      method: 'GET',
      path: '/2.0/mlflow/experiments/get-by-name',
      permission: 'read',
      request: { experiment_name: required(text) },
      run: async ({ experiment_name: name }) => {
        const experiment = await tracking.experimentNamed(name);
        if (experiment === undefined) throw new GyreError('NOT_FOUND', `Could not find experiment with name '${name}'`, { name });
        return { experiment: experimentRecord(experiment) };
      },
    }),
    exchange({ method: 'POST', path: '/2.0/mlflow/experiments/search', permission: 'read', request: search, run: searched }),
    exchange({ method: 'GET', path: '/2.0/mlflow/experiments/search', permission: 'read', request: search, run: searched }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/experiments/update',
      permission: log,
      request: { experiment_id: required(text), new_name: text },
      run: async ({ experiment_id: id, new_name: name }, call) => {
        if (name === undefined) return undefined;
        if (name === '') throw invalidValue('new_name', name, 'A name cannot be empty.');
        requireExperimentName(name);
        await tracking.renameExperiment({ id, name, by: actorOfCall(call) });
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/experiments/delete',
      permission: log,
      request: { experiment_id: required(text) },
      run: async ({ experiment_id: id }, call) => tracking.deleteExperiment({ id, by: actorOfCall(call) }).then(() => undefined),
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/experiments/restore',
      permission: log,
      request: { experiment_id: required(text) },
      run: async ({ experiment_id: id }, call) => tracking.restoreExperiment({ id, by: actorOfCall(call) }).then(() => undefined),
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/experiments/set-experiment-tag',
      permission: log,
      request: { experiment_id: required(text), key: required(text), value: emptyText },
      run: async ({ experiment_id: id, key, value }) => {
        requireExperimentTag({ key, value });
        await tracking.tagExperiment(id, { [key]: value });
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: '/2.0/mlflow/experiments/delete-experiment-tag',
      permission: log,
      request: { experiment_id: required(text), key: required(text) },
      run: async ({ experiment_id: id, key }) => tracking.tagExperiment(id, { [key]: null }).then(() => undefined),
    }),
  ];
}

/** Which experiments the caller may see; none is named where that is all. */
function readable({ caller }: GuardedCall): { readonly reach?: Reach } {
  const reach = caller?.rights.reach('read', 'experiment');
  return reach === undefined || isEverywhere(reach) ? {} : { reach };
}
