import { aliasNames, eventType } from '#contract';
import type { Actor, ModelVersion } from '#contract';
import { GyreError } from '#core';
import type { Tx } from '#store';
import type { Lookup } from './lookup.ts';
import { promptMark, saidTags } from './model-verbs.ts';
import { aliasOf, changeModel, deleteAlias, putAlias } from './models-store.ts';
import type { GuardedPlace, Registry, RegistryDeps } from './port.ts';
import { requiredVersion } from './required-version.ts';
import { buryVersion, changeVersion, lockModel, putTags, selectVersions } from './versions-store.ts';

type VersionVerbs = Pick<Registry, 'setAlias' | 'removeAlias' | 'describeVersion' | 'moveToStage' | 'deleteVersion' | 'setTags'>;

/** More versions than stand in one stage of any model. */
const everyVersion = 1_000_000;

interface Named {
  readonly model: string;
  readonly version: number;
}

const nameOf = ({ id, model, version }: ModelVersion) => ({ id, model, version });
const guardedAlias = (alias: string): GuardedPlace | undefined => aliasNames.find((name) => name === alias);

/** Everything that is done with a version that is registered. */
export function openVersionVerbs({ store, events, clock, guard, inUse }: RegistryDeps, lookup: Lookup): VersionVerbs {
  /** Models that Gyre has never judged are their users' own: nothing that the release could answer for is at stake. */
  const requireConsent = async ({ model, version: number }: Named, place: GuardedPlace | undefined, what: string): Promise<void> => {
    if (place === undefined || !(await lookup.isGoverned(model))) return;
    const refusal = await guard(await lookup.numbered(model, number), place);
    if (refusal === undefined) return;
    throw new GyreError('FAILED_PRECONDITION', `version ${number} of "${model}" may not ${what}: ${refusal}`, {
      model,
      version: number,
      place,
    });
  };
  /** The version as it stands, which nobody else changes before this transaction has ended. */
  const standing = async (tx: Tx, { model, version }: Named): Promise<ModelVersion> => {
    await lockModel(tx, model);
    return (await requiredVersion(tx, model, version)).version;
  };

  const pointAlias = async (tx: Tx, args: Named & { alias: string; by: Actor }): Promise<ModelVersion> => {
    const { model, alias, by } = args;
    const [version, previous, mark] = await Promise.all([standing(tx, args), aliasOf(tx, model, alias), promptMark(tx, model)]);
    if (previous === version.version) return version;
    await putAlias(tx, { model, alias, version: version.version });
    events.publish(tx, {
      type: eventType('model_version.alias_set'),
      subject: version.id,
      actor: by.identity,
      data: { ...nameOf(version), alias, ...(previous === undefined ? {} : { previous }), ...mark },
    });
    return { ...version, aliases: [...version.aliases, alias].toSorted() };
  };
  const unpointAlias = async (tx: Tx, args: { model: string; alias: string; by: Actor }): Promise<void> => {
    const { model, alias, by } = args;
    const previous = await deleteAlias(tx, { model, alias });
    if (previous === undefined) return;
    const [found] = await selectVersions(tx, { model, version: previous }, 1);
    events.publish(tx, {
      type: eventType('model_version.alias_removed'),
      subject: found.version.id,
      actor: by.identity,
      data: { ...nameOf(found.version), alias, ...(await promptMark(tx, model)) },
    });
  };
  const tag = async (tx: Tx, args: Named & { tags: Readonly<Record<string, string | null>>; by: Actor }): Promise<void> => {
    const { tags, by } = args;
    const version = await standing(tx, args);
    await putTags(tx, version.id, tags);
    events.publish(tx, {
      type: eventType('model_version.tagged'),
      subject: version.id,
      actor: by.identity,
      data: { ...nameOf(version), ...saidTags(tags), ...(await promptMark(tx, version.model)) },
    });
  };
  const describe = async (tx: Tx, args: Named & { description: string; by: Actor; at: number }): Promise<void> => {
    const version = await standing(tx, args);
    await changeVersion(tx, version.id, { description: args.description, updated_at: args.at });
    events.publish(tx, {
      type: eventType('model_version.described'),
      subject: version.id,
      actor: args.by.identity,
      data: nameOf(version),
    });
  };
  const move = async (tx: Tx, version: ModelVersion, stage: ModelVersion['stage'], by: Actor, at: number): Promise<void> => {
    await changeVersion(tx, version.id, { stage, updated_at: at });
    if (version.stage === stage) return;
    events.publish(tx, {
      type: eventType('model_version.staged'),
      subject: version.id,
      actor: by.identity,
      data: { ...nameOf(version), stage, previous: version.stage },
    });
  };
  const stageVersion = async (
    tx: Tx,
    args: Named & { stage: ModelVersion['stage']; archiveOthers: boolean; by: Actor; at: number },
  ): Promise<void> => {
    const { stage, by, at } = args;
    const version = await standing(tx, args);
    const others = args.archiveOthers ? await selectVersions(tx, { model: version.model, stage }, everyVersion) : [];
    for (const other of others) if (other.version.id !== version.id) await move(tx, other.version, 'Archived', by, at);
    await move(tx, version, stage, by, at);
    await changeModel(tx, version.model, { updated_at: at });
  };
  const bury = async (tx: Tx, args: Named & { by: Actor; at: number }): Promise<void> => {
    const version = await standing(tx, args);
    await buryVersion(tx, version, args.at);
    await changeModel(tx, version.model, { updated_at: args.at });
    events.publish(tx, { type: eventType('model_version.deleted'), subject: version.id, actor: args.by.identity, data: nameOf(version) });
  };

  return {
    async setAlias(request) {
      await requireConsent(request, guardedAlias(request.alias), `become ${request.alias}`);
      return store.write(pointAlias, request);
    },
    async removeAlias(request) {
      await store.write(unpointAlias, request);
    },
    async setTags(request) {
      await store.write(tag, request);
      return lookup.numbered(request.model, request.version);
    },
    async describeVersion(request) {
      await store.write(describe, { ...request, at: clock.now() });
      return lookup.numbered(request.model, request.version);
    },
    async moveToStage({ archiveOthers = false, ...request }) {
      const { model, version, stage } = request;
      await requireConsent(request, stage === 'Production' ? stage : undefined, `come to the stage ${stage}`);
      await store.write(stageVersion, { ...request, archiveOthers, at: clock.now() });
      return lookup.numbered(model, version);
    },
    async deleteVersion({ model, version: number, by }) {
      const version = await lookup.numbered(model, number);
      const reason = version.package === undefined ? undefined : await inUse?.(version);
      if (reason !== undefined)
        throw new GyreError('FAILED_PRECONDITION', `version ${number} of "${model}" cannot be deleted: it ${reason}`, {
          model,
          version: number,
        });
      await store.write(bury, { model, version: number, by, at: clock.now() });
    },
  };
}
