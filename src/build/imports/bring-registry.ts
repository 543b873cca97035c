import { GyreError, hasCode, messageOf } from '#core';
import { isFinal, ownId, stateOf } from './bringing.ts';
import type { Bringing } from './bringing.ts';
import { importedState, putImported } from './imports-store.ts';
import type { KeyValue, SourceModel, SourceVersion } from './source.ts';

/** Brings registered models in, after the runs and logged models that their versions point to. */
export async function bringRegistry(bringing: Bringing): Promise<void> {
  const { source, store, tally, signal } = bringing;
  for await (const model of source.registeredModels()) {
    signal.throwIfAborted();
    tally.read('versions', model.versions.length);
    tally.read('aliases', model.aliases.length);
    const state = stateOf(model);
    if ((await store.read((db) => importedState(db, source.place, 'registered model', model.name))) === state) {
      tally.present('versions', model.versions.length);
      tally.present('aliases', model.aliases.length);
      continue;
    }
    try {
      await bringModel(bringing, model);
      if (await bringVersions(bringing, model)) {
        await store.write(putImported, { source: source.place, what: 'registered model', record: model.name, state });
      }
    } catch (error) {
      if (isFinal(error, signal)) throw error;
      tally.refused('versions', { what: `registered model ${model.name}`, why: messageOf(error) }, model.versions.length);
    }
  }
}

async function bringModel({ registry, by }: Bringing, { name, description, tags }: SourceModel): Promise<void> {
  try {
    await registry.createModel({ name, ...(description === undefined ? {} : { description }), tags: recordOf(tags), by });
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    if (tags.length > 0) await registry.setModelTags({ name, tags: recordOf(tags), by });
  }
}

/**
 * Versions keep their numbers, so they are made in order, and a number that the source left out is made and deleted.
 * @returns whether all were taken
 */
async function bringVersions(bringing: Bringing, model: SourceModel): Promise<boolean> {
  const { registry, source, store, tally, signal, by } = bringing;
  let whole = true;
  let latest = (await registry.getModel(model.name)).latest ?? 0;
  for (const version of model.versions) {
    const what = `version ${version.version} of ${model.name}`;
    try {
      const record = `${model.name} ${version.version}`;
      const isKnown = (await store.read((db) => importedState(db, source.place, 'version', record))) !== undefined;
      if (isKnown || version.version <= latest) {
        latest = Math.max(latest, version.version);
        tally.present('versions');
        continue;
      }
      while (latest < version.version - 1) {
        const { version: gap } = await registry.registerVersion({ model: model.name, source: 'gyre:deleted-before-import', by });
        await registry.deleteVersion({ model: model.name, version: gap, by });
        latest = gap;
      }
      latest = await bringVersion(bringing, model.name, version);
      await store.write(putImported, { source: source.place, what: 'version', record, state: version.deleted ? 'deleted' : 'active' });
      tally.imported('versions');
    } catch (error) {
      if (isFinal(error, signal)) throw error;
      whole = false;
      tally.refused('versions', { what, why: messageOf(error) });
      // What follows would get its number.
      break;
    }
  }
  for (const { alias, version } of model.aliases) {
    try {
      await registry.setAlias({ model: model.name, alias, version, by });
      tally.imported('aliases');
    } catch (error) {
      if (isFinal(error, signal)) throw error;
      whole = false;
      tally.refused('aliases', { what: `alias ${alias} of ${model.name}`, why: messageOf(error) });
    }
  }
  return whole;
}

async function bringVersion({ registry, by }: Bringing, model: string, version: SourceVersion): Promise<number> {
  const { source, run, loggedModel, runLink, description, tags, stage, deleted } = version;
  const made = await registry.registerVersion({
    model,
    source,
    ...(run === undefined ? {} : { run: ownId(run) }),
    ...(loggedModel === undefined ? {} : { loggedModel }),
    ...(runLink === undefined ? {} : { runLink }),
    ...(description === undefined ? {} : { description }),
    tags: recordOf(tags),
    by,
  });
  if (made.version !== version.version)
    throw new GyreError('ABORTED', `it got the number ${made.version}: somebody else registers versions of the model right now`);
  if (stage !== 'None') await registry.moveToStage({ model, version: made.version, stage: stage as typeof made.stage, by });
  if (deleted) await registry.deleteVersion({ model, version: made.version, by });
  return made.version;
}

function recordOf(pairs: readonly KeyValue[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}
