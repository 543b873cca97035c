import type { Permission } from '#contract';
import { GyreError } from '#core';
import { ownRunId } from '#training';
import { actorOfCall } from './caller.ts';
import { exchange } from './exchange.ts';
import { flag, integer, list, nested, required, text } from './message.ts';
import { versionRecord } from './model-registry-records.ts';
import {
  inRegistryWords,
  isReleased,
  promptTag,
  readableModels,
  registryTags,
  releasedAlias,
  releasedStage,
  requireAlias,
  requireFreeAlias,
  requireModelName,
  requireRegistryTag,
  requireRelease,
  stageOf,
  versionNumber,
} from './model-registry-words.ts';
import { requireSource } from './model-version-source.ts';
import type { MlflowOptions, MlflowRoute } from './port.ts';
import { conditionsOf, limitOf, orderOf } from './search.ts';

const log: Permission = 'log';
const at = '/2.0/mlflow/model-versions';
const models = '/2.0/mlflow/registered-models';
const mostVersions = 200_000;
const name = required(text);
const named = { name, version: required(text) };
const keyValue = nested({ key: required(text), value: text });
const activeStages = ['Staging', releasedStage] as const;

/** Where clients fetch the files of a version that Gyre keeps: they never change, whatever becomes of the run. */
export const versionArtifacts = 'mlflow-artifacts:/model-versions/';

/** The versions of registered models. */
export function modelVersionRoutes({ registry, training }: MlflowOptions): readonly MlflowRoute[] {
  const latest = { name, stages: list(text) };
  const latestVersions = ({ name: model, stages }: { readonly name: string; readonly stages: readonly string[] }): Promise<object> =>
    inRegistryWords(async () => {
      const wanted = stages.map(stageOf);
      await registry.getModel(model);
      const found = await registry.newestOfStages([model]);
      const items = found.filter(({ stage }) => wanted.length === 0 || wanted.includes(stage));
      return items.length === 0 ? {} : { model_versions: items.map(versionRecord) };
    });
  return [
    exchange({
      method: 'POST',
      path: `${at}/create`,
      permission: log,
      request: {
        name,
        source: required(text),
        run_id: text,
        tags: list(keyValue),
        run_link: text,
        description: text,
        model_id: text,
      },
      run: (message, call) => {
        const { source, run_id: run = '', run_link: runLink = '', description = '', model_id: loggedModel = '' } = message;
        const isPrompt = message.tags.some(({ key }) => key === promptTag);
        requireModelName(message.name);
        requireSource(source, isPrompt ? 'prompt' : loggedModel === '' ? 'run' : 'logged model');
        const tags = registryTags(message.tags.map(({ key, value = '' }) => ({ key, value })));
        return inRegistryWords(async () => {
          if (isPrompt) await requireRelease(registry, call, message.name);
          const ownRun = run === '' ? await runOf(training.loggedModels, loggedModel) : ownRunId(run);
          const made = await registry.registerVersion({
            model: message.name,
            source,
            ...(ownRun === undefined ? {} : { run: ownRun }),
            ...(runLink === '' ? {} : { runLink }),
            ...(loggedModel === '' ? {} : { loggedModel }),
            description,
            tags,
            by: actorOfCall(call),
          });
          if (loggedModel !== '') await noteVersion(training.loggedModels, loggedModel, made);
          return { model_version: versionRecord(made) };
        });
      },
    }),
    exchange({
      method: 'GET',
      path: `${at}/get`,
      permission: 'read',
      request: named,
      run: ({ name: model, version }) => {
        requireModelName(model);
        const number = versionNumber(version);
        return inRegistryWords(async () => ({ model_version: versionRecord(await registry.get(model, number)) }));
      },
    }),
    exchange({
      method: 'PATCH',
      path: `${at}/update`,
      permission: log,
      request: { ...named, description: text },
      run: ({ name: model, version, description = '' }, call) => {
        requireModelName(model);
        const number = versionNumber(version);
        return inRegistryWords(async () => ({
          model_version: versionRecord(await registry.describeVersion({ model, version: number, description, by: actorOfCall(call) })),
        }));
      },
    }),
    exchange({
      method: 'POST',
      path: `${at}/transition-stage`,
      permission: log,
      request: { ...named, stage: required(text), archive_existing_versions: flag },
      run: ({ name: model, version, stage: wanted, archive_existing_versions: archiveOthers = false }, call) => {
        const stage = stageOf(wanted);
        if (archiveOthers && !activeStages.some((active) => active === stage))
          throw new GyreError(
            'INVALID_ARGUMENT',
            `Model version transition cannot archive existing model versions because '${wanted}' is not an Active stage. Valid stages are ['${activeStages.join("', '")}']`,
          );
        requireModelName(model);
        const number = versionNumber(version);
        return inRegistryWords(async () => {
          const before = await registry.get(model, number);
          if (stage === releasedStage || before.stage === releasedStage) await requireRelease(registry, call, model);
          const moved = await registry.moveToStage({ model, version: number, stage, archiveOthers, by: actorOfCall(call) });
          return { model_version: versionRecord(moved) };
        });
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${at}/delete`,
      permission: log,
      request: named,
      run: ({ name: model, version }, call) => {
        requireModelName(model);
        const number = versionNumber(version);
        return inRegistryWords(async () => {
          if (isReleased(await registry.get(model, number))) await requireRelease(registry, call, model);
          await registry.deleteVersion({ model, version: number, by: actorOfCall(call) });
          return undefined;
        });
      },
    }),
    exchange({
      method: 'GET',
      path: `${at}/search`,
      permission: 'read',
      request: { filter: text, max_results: integer, order_by: list(text), page_token: text },
      run: async ({ filter, max_results: asked, order_by: order, page_token: after }, call) => {
        const limit = limitOf(asked, mostVersions, mostVersions);
        const { items, next } = await registry.searchVersions({
          conditions: conditionsOf('model_version', filter),
          order: orderOf('model_version', order),
          limit,
          ...readableModels(call),
          ...(after === undefined || after === '' ? {} : { after }),
        });
        return {
          ...(items.length === 0 ? {} : { model_versions: items.map(versionRecord) }),
          ...(next === undefined ? {} : { next_page_token: next }),
        };
      },
    }),
    exchange({
      method: 'GET',
      path: `${at}/get-download-uri`,
      permission: 'read',
      request: named,
      run: ({ name: model, version }) => {
        requireModelName(model);
        const number = versionNumber(version);
        return inRegistryWords(async () => {
          const found = await registry.get(model, number);
          const uri = found.package === undefined ? await registry.location(found) : `${versionArtifacts}${found.id}`;
          return { artifact_uri: uri };
        });
      },
    }),
    exchange({
      method: 'POST',
      path: `${at}/set-tag`,
      permission: log,
      request: { ...named, key: required(text), value: text },
      run: ({ name: model, version, key, value = '' }, call) => {
        requireModelName(model);
        const number = versionNumber(version);
        requireRegistryTag({ key, value });
        return tagVersion(model, number, { [key]: value }, call);
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${at}/delete-tag`,
      permission: log,
      request: { ...named, key: required(text) },
      run: ({ name: model, version, key }, call) => {
        requireModelName(model);
        const number = versionNumber(version);
        requireRegistryTag({ key, value: '' });
        return tagVersion(model, number, { [key]: null }, call);
      },
    }),
    exchange({ method: 'GET', path: `${models}/get-latest-versions`, permission: 'read', request: latest, run: latestVersions }),
    exchange({ method: 'POST', path: `${models}/get-latest-versions`, permission: 'read', request: latest, run: latestVersions }),
    exchange({
      method: 'POST',
      path: `${models}/alias`,
      permission: log,
      request: { ...named, alias: required(text) },
      run: ({ name: model, version, alias }, call) => {
        requireModelName(model);
        requireFreeAlias(alias);
        const number = versionNumber(version);
        return inRegistryWords(async () => {
          if (alias === releasedAlias) await requireRelease(registry, call, model);
          await registry.setAlias({ model, version: number, alias, by: actorOfCall(call) });
          return undefined;
        });
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${models}/alias`,
      permission: log,
      request: { name, alias: required(text) },
      run: ({ name: model, alias }, call) => {
        requireModelName(model);
        requireAlias(alias);
        return inRegistryWords(async () => {
          await registry.getModel(model);
          if (alias === releasedAlias) await requireRelease(registry, call, model);
          await registry.removeAlias({ model, alias, by: actorOfCall(call) });
          return undefined;
        });
      },
    }),
    exchange({
      method: 'GET',
      path: `${models}/alias`,
      permission: 'read',
      request: { name, alias: required(text) },
      run: ({ name: model, alias }) => {
        requireModelName(model);
        requireAlias(alias);
        return inRegistryWords(async () => {
          await registry.getModel(model);
          if (alias.toLowerCase() === 'latest') {
            const newest = (await registry.newestOfStages([model])).at(-1);
            if (newest === undefined) throw new GyreError('NOT_FOUND', `Latest version not found for model ${model}.`);
            return { model_version: versionRecord(newest) };
          }
          const found = await registry.aliased(model, alias);
          if (found === undefined) throw new GyreError('INVALID_ARGUMENT', `Registered model alias ${alias} not found.`);
          return { model_version: versionRecord(found) };
        });
      },
    }),
  ];

  async function tagVersion(
    model: string,
    version: number,
    tags: Readonly<Record<string, string | null>>,
    call: Parameters<typeof actorOfCall>[0],
  ): Promise<undefined> {
    return inRegistryWords(async () => {
      if (Object.hasOwn(tags, promptTag)) await requireRelease(registry, call, model);
      await registry.setTags({ model, version, tags, by: actorOfCall(call) });
      return undefined;
    });
  }
}

/** The run that a logged model came from: clients that name the model leave the run out. */
async function runOf(loggedModels: MlflowOptions['training']['loggedModels'], id: string): Promise<string | undefined> {
  const isKnown = id !== '' && (await loggedModels.experimentOf(id)) !== undefined;
  const { sourceRun } = isKnown ? await loggedModels.get(id, { deleted: true }) : {};
  return sourceRun === undefined ? undefined : ownRunId(sourceRun);
}

/** Clients find on a logged model which versions were made of it: a tag, as Python writes JSON. */
async function noteVersion(
  loggedModels: MlflowOptions['training']['loggedModels'],
  id: string,
  { model, version }: { readonly model: string; readonly version: number },
): Promise<void> {
  if ((await loggedModels.experimentOf(id)) === undefined) return;
  const known = (await loggedModels.get(id, { deleted: true })).tags.find(({ key }) => key === versionsTag)?.value ?? '[]';
  const before = known.endsWith('}]') ? `${known.slice(1, -1)}, ` : '';
  await loggedModels.setTags(id, [{ key: versionsTag, value: `[${before}{"name": ${JSON.stringify(model)}, "version": ${version}}]` }]);
}

const versionsTag = 'mlflow.modelVersions';
