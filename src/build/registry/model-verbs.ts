import { eventType } from '#contract';
import type { Actor, GuardedRecord } from '#contract';
import { GyreError } from '#core';
import type { Db, Tx } from '#store';
import type { Lookup } from './lookup.ts';
import { changeModel, deleteModel, insertModel, modelOf, modelTag, putModelTags, renameModel } from './models-store.ts';
import type { Registry, RegistryDeps } from './port.ts';
import { buryVersion, lockModel, selectVersions } from './versions-store.ts';

type ModelVerbs = Pick<Registry, 'createModel' | 'describeModel' | 'renameModel' | 'deleteModel' | 'setModelTags'>;

/** MLflow's clients keep prompts as registered models with this tag. */
const promptTag = 'mlflow.prompt.is_prompt';
/** More versions than any model has. */
const everyVersion = 1_000_000;

/** What events say of a model that is a prompt. */
export async function promptMark(db: Db, model: string): Promise<{ readonly prompt?: true }> {
  return (await modelTag(db, model, promptTag)) === undefined ? {} : { prompt: true };
}

/** What an event says of tags that were set or removed; a removed one has no value any more. */
export function saidTags(tags: Readonly<Record<string, string | null>>): { tags: Record<string, string>; removed?: string[] } {
  const removed = Object.keys(tags).filter((key) => tags[key] === null);
  return {
    tags: Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, value ?? ''])),
    ...(removed.length === 0 ? {} : { removed }),
  };
}

/** A model as permissions on records name it. */
export function guarded(record: string): GuardedRecord {
  return { kind: 'registered_model', record };
}

/** Everything that is done with a model as a whole. */
export function openModelVerbs({ store, events, clock, inUse, grants }: RegistryDeps, lookup: Lookup): ModelVerbs {
  const create = async (
    tx: Tx,
    args: { name: string; description: string; tags: Readonly<Record<string, string>>; by: Actor; at: number },
  ): Promise<void> => {
    const { name, description, tags, by, at } = args;
    await insertModel(tx, { name, description, created_at: at });
    await putModelTags(tx, name, tags);
    await grants?.own(tx, guarded(name), by);
    events.publish(tx, {
      type: eventType('registered_model.created'),
      subject: name,
      actor: by.identity,
      data: { model: name, description, tags: { ...tags } },
    });
  };
  const describe = async (tx: Tx, args: { name: string; description: string; by: Actor; at: number }): Promise<void> => {
    const { name, description, by, at } = args;
    await changeModel(tx, name, { description, updated_at: at });
    events.publish(tx, { type: eventType('registered_model.described'), subject: name, actor: by.identity, data: { model: name } });
  };
  const rename = async (tx: Tx, args: { name: string; to: string; by: Actor; at: number }): Promise<void> => {
    const { name, to, by, at } = args;
    await renameModel(tx, name, to, at);
    await grants?.renamed(tx, guarded(name), to);
    const data = { model: to, previous: name };
    events.publish(tx, { type: eventType('registered_model.renamed'), subject: to, actor: by.identity, data });
  };
  const remove = async (tx: Tx, args: { name: string; by: Actor; at: number }): Promise<void> => {
    const { name, by, at } = args;
    await lockModel(tx, name);
    if ((await modelOf(tx, name)) === undefined)
      throw new GyreError('NOT_FOUND', `there is no registered model "${name}"`, { model: name });
    const versions = await selectVersions(tx, { model: name }, everyVersion);
    for (const { version } of versions) {
      await buryVersion(tx, version, at);
      const data = { id: version.id, model: name, version: version.version };
      events.publish(tx, { type: eventType('model_version.deleted'), subject: version.id, actor: by.identity, data });
    }
    await deleteModel(tx, name);
    await grants?.deleted(tx, guarded(name));
    const data = { model: name, versions: versions.length };
    events.publish(tx, { type: eventType('registered_model.deleted'), subject: name, actor: by.identity, data });
  };
  const tag = async (tx: Tx, args: { name: string; tags: Readonly<Record<string, string | null>>; by: Actor }): Promise<void> => {
    const { name, tags, by } = args;
    await lockModel(tx, name);
    const mark = await promptMark(tx, name);
    await putModelTags(tx, name, tags);
    events.publish(tx, {
      type: eventType('registered_model.tagged'),
      subject: name,
      actor: by.identity,
      data: { model: name, ...saidTags(tags), ...mark },
    });
  };

  return {
    async createModel({ name, description = '', tags = {}, by }) {
      await store.write(create, { name, description, tags, by, at: clock.now() });
      return lookup.getModel(name);
    },
    async describeModel({ name, description, by }) {
      await lookup.getModel(name);
      await store.write(describe, { name, description, by, at: clock.now() });
      return lookup.getModel(name);
    },
    async renameModel({ name, to, by }) {
      await lookup.getModel(name);
      await store.write(rename, { name, to, by, at: clock.now() });
      return lookup.getModel(to);
    },
    async deleteModel({ name, by }) {
      await lookup.getModel(name);
      for (const { version } of await store.read((db) => selectVersions(db, { model: name }, everyVersion))) {
        if (version.package === undefined) continue;
        const reason = await inUse?.(version);
        if (reason !== undefined)
          throw new GyreError('FAILED_PRECONDITION', `model "${name}" cannot be deleted: version ${version.version} ${reason}`, {
            model: name,
            version: version.version,
          });
      }
      await store.write(remove, { name, by, at: clock.now() });
    },
    async setModelTags({ name, tags, by }) {
      await lookup.getModel(name);
      await store.write(tag, { name, tags, by });
      return lookup.getModel(name);
    },
  };
}
