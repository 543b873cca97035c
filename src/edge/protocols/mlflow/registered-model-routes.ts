import type { Permission } from '#contract';
import { actorOfCall } from './caller.ts';
import { exchange } from './exchange.ts';
import { integer, list, nested, required, text } from './message.ts';
import type { MessageOf } from './message.ts';
import { modelRecord } from './model-registry-records.ts';
import {
  inRegistryWords,
  promptTag,
  readableModels,
  registryTags,
  requireModelName,
  requireRegistryTag,
  requireRelease,
} from './model-registry-words.ts';
import type { GuardedCall, MlflowOptions, MlflowRoute } from './port.ts';
import { conditionsOf, limitOf, orderOf } from './search.ts';

const log: Permission = 'log';
const at = '/2.0/mlflow/registered-models';
const mostModels = 1000;
const usualModels = 100;
const name = required(text);
const search = { filter: text, max_results: integer, order_by: list(text), page_token: text };
const keyValue = nested({ key: required(text), value: text });

/** Registered models as a whole: what versions belong to. */
export function registeredModelRoutes({ registry }: MlflowOptions): readonly MlflowRoute[] {
  const recordOf = async (model: string): Promise<object> => {
    const found = await registry.getModel(model);
    return { registered_model: modelRecord(found, await registry.newestOfStages([model])) };
  };
  const searched = async (
    { filter, max_results: asked, order_by: order, page_token: after }: MessageOf<typeof search>,
    call: GuardedCall,
  ): Promise<object> => {
    const limit = limitOf(asked, usualModels, mostModels);
    const { items, next } = await registry.searchModels({
      conditions: conditionsOf('registered_model', filter),
      order: orderOf('registered_model', order),
      limit,
      ...readableModels(call),
      ...(after === undefined || after === '' ? {} : { after }),
    });
    const newest = Map.groupBy(await registry.newestOfStages(items.map((model) => model.name)), ({ model }) => model);
    return {
      ...(items.length === 0 ? {} : { registered_models: items.map((model) => modelRecord(model, newest.get(model.name) ?? [])) }),
      ...(next === undefined ? {} : { next_page_token: next }),
    };
  };
  return [
    exchange({
      method: 'POST',
      path: `${at}/create`,
      permission: log,
      request: { name, tags: list(keyValue), description: text },
      run: ({ name: model, tags, description = '' }, call) => {
        requireModelName(model);
        const wanted = registryTags(tags.map(({ key, value = '' }) => ({ key, value })));
        return inRegistryWords(async () => {
          await registry.createModel({ name: model, description, tags: wanted, by: actorOfCall(call) });
          return recordOf(model);
        });
      },
    }),
    exchange({
      method: 'GET',
      path: `${at}/get`,
      permission: 'read',
      request: { name },
      run: ({ name: model }) => inRegistryWords(() => recordOf(model)),
    }),
    exchange({
      method: 'PATCH',
      path: `${at}/update`,
      permission: log,
      request: { name, description: text },
      run: ({ name: model, description = '' }, call) =>
        inRegistryWords(async () => {
          await registry.describeModel({ name: model, description, by: actorOfCall(call) });
          return recordOf(model);
        }),
    }),
    exchange({
      method: 'POST',
      path: `${at}/rename`,
      permission: log,
      request: { name, new_name: required(text) },
      run: ({ name: model, new_name: to }, call) => {
        requireModelName(to, 'new_name');
        return inRegistryWords(async () => {
          await requireRelease(registry, call, model);
          await registry.renameModel({ name: model, to, by: actorOfCall(call) });
          return recordOf(to);
        });
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${at}/delete`,
      permission: log,
      request: { name },
      run: ({ name: model }, call) =>
        inRegistryWords(async () => {
          await requireRelease(registry, call, model);
          await registry.deleteModel({ name: model, by: actorOfCall(call) });
          return undefined;
        }),
    }),
    // MLflow's client for R asks by POST.
    ...(['GET', 'POST'] as const).map((method) =>
      exchange({ method, path: `${at}/search`, permission: 'read', request: search, run: searched }),
    ),
    exchange({
      method: 'POST',
      path: `${at}/set-tag`,
      permission: log,
      request: { name, key: required(text), value: text },
      run: ({ name: model, key, value = '' }, call) => {
        requireModelName(model);
        requireRegistryTag({ key, value });
        return tagModel(model, { [key]: value }, call);
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${at}/delete-tag`,
      permission: log,
      request: { name, key: required(text) },
      run: ({ name: model, key }, call) => {
        requireModelName(model);
        requireRegistryTag({ key, value: '' });
        return tagModel(model, { [key]: null }, call);
      },
    }),
  ];

  async function tagModel(model: string, tags: Readonly<Record<string, string | null>>, call: Parameters<typeof actorOfCall>[0]) {
    return inRegistryWords(async () => {
      // A prompt is found nowhere among the models: the mark hides a model, and with it what Gyre knows of it.
      if (Object.hasOwn(tags, promptTag)) await requireRelease(registry, call, model);
      await registry.setModelTags({ name: model, tags, by: actorOfCall(call) });
      return undefined;
    });
  }
}
