import { Check } from 'typebox/schema';
import { Evidence, aliasNames, eventType } from '#contract';
import type { Actor, ModelVersion, PackageFile } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { Tx } from '#store';
import { buildPackage } from './package/build-package.ts';
import type { AliasName, Registry, RegistryDeps } from './port.ts';
import { aliasOf, deleteAlias, insertVersion, modelOf, putAlias, putTags, selectModels, selectVersions } from './versions-store.ts';
import type { NewVersion } from './versions-store.ts';

/** Opens the room over a migrated store. */
export function openRegistry(deps: RegistryDeps): Registry {
  const { store, blobs, events, clock, newId, reports, guard } = deps;

  const find = async (filter: Parameters<typeof selectVersions>[1]): Promise<ModelVersion | undefined> =>
    (await store.read((db) => selectVersions(db, filter, 1, undefined)))[0]?.version;

  const getById = async (id: string): Promise<ModelVersion> => {
    const version = await find({ id });
    if (version !== undefined) return version;
    throw new GyreError('NOT_FOUND', `there is no model version with the id "${id}"`, { id });
  };
  const getModel: Registry['getModel'] = async (name) => {
    const model = await store.read((db) => modelOf(db, name));
    if (model !== undefined) return model;
    const known = (await store.read((db) => selectModels(db, 10, undefined))).map((one) => `"${one.name}"`);
    throw new GyreError(
      'NOT_FOUND',
      `there is no registered model "${name}"; there ${known.length === 0 ? 'is none yet' : `are ${known.join(', ')}`}`,
      { model: name },
    );
  };
  const aliased = async (model: string, alias: AliasName): Promise<ModelVersion | undefined> => {
    const version = await store.read((db) => aliasOf(db, model, alias));
    return version === undefined ? undefined : find({ model, version });
  };
  const numbered = async (model: string, version: number): Promise<ModelVersion> => {
    const found = await find({ model, version });
    if (found !== undefined) return found;
    const { latest } = await getModel(model);
    throw new GyreError('NOT_FOUND', `model "${model}" has no version ${version}: the newest is ${latest ?? 'none'}`, { model, version });
  };

  const create = async (tx: Tx, args: NewVersion & { readonly by: Actor }): Promise<ModelVersion> => {
    const { by, ...row } = args;
    const { version, created } = await insertVersion(tx, row);
    if (created) {
      const { id, model, version: number, package: digest, run } = version;
      events.publish(tx, {
        type: eventType('model_version.created'),
        subject: id,
        actor: by.identity,
        data: { id, model, version: number, package: digest, run },
      });
    }
    return version;
  };

  const pointAlias = async (
    tx: Tx,
    { version, alias, by }: { readonly version: ModelVersion; readonly alias: AliasName; readonly by: Actor },
  ): Promise<void> => {
    const previous = await putAlias(tx, { model: version.model, alias, version: version.version });
    if (previous === version.version) return;
    const data = { id: version.id, model: version.model, version: version.version, alias, ...(previous === undefined ? {} : { previous }) };
    events.publish(tx, { type: eventType('model_version.alias_set'), subject: version.id, actor: by.identity, data });
  };

  const unpointAlias = async (
    tx: Tx,
    { model, alias, by }: { readonly model: string; readonly alias: AliasName; readonly by: Actor },
  ): Promise<void> => {
    const previous = await deleteAlias(tx, { model, alias });
    if (previous === undefined) return;
    const [found] = await selectVersions(tx, { model, version: previous }, 1, undefined);
    const { id } = found.version;
    events.publish(tx, {
      type: eventType('model_version.alias_removed'),
      subject: id,
      actor: by.identity,
      data: { id, model, version: previous, alias },
    });
  };

  const tag = async (
    tx: Tx,
    { version, tags, by }: { readonly version: ModelVersion; readonly tags: Readonly<Record<string, string | null>>; readonly by: Actor },
  ): Promise<void> => {
    await putTags(tx, version.id, tags);
    // A removed tag is said by an empty value: event data hold texts.
    const said = Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, value ?? '']));
    const { id, model, version: number } = version;
    events.publish(tx, {
      type: eventType('model_version.tagged'),
      subject: id,
      actor: by.identity,
      data: { id, model, version: number, tags: said },
    });
  };

  const fileOf = async (id: string, path: string): Promise<PackageFile> => {
    const version = await getById(id);
    const file = version.files.find((one) => one.path === path);
    if (file !== undefined) return file;
    throw new GyreError(
      'NOT_FOUND',
      `version ${version.version} of "${version.model}" has no file "${path}"; its files are ${version.files.map((one) => one.path).join(', ')}`,
      { id, path },
    );
  };
  const readFile = async (id: string, path: string): Promise<Uint8Array> => blobs.read(asSha256((await fileOf(id, path)).digest));

  return {
    getModel,
    getById,
    aliased,
    readFile,
    async createVersion({ model, description, run, report: reportId, charter, tags = {}, by }) {
      const report = await reports.getReport(reportId);
      const { digest, files, signature } = await buildPackage(deps, { model, run, report, charter });
      return store.write(create, {
        id: newId(),
        model,
        ...(description === undefined ? {} : { description }),
        package: digest,
        files,
        signature,
        run,
        test_report: report.id,
        tests_passed: report.passed,
        charter: charter.digest,
        created_at: clock.now(),
        created_by: by,
        tags,
        by,
      });
    },
    async listModels({ limit, after } = {}) {
      const size = pageSize(limit);
      const found = await store.read((db) => selectModels(db, size + 1, after));
      const items = found.slice(0, size);
      const last = items.at(-1);
      return { items, ...(found.length > size && last !== undefined ? { next: last.name } : {}) };
    },
    async listVersions({ limit, after, ...filter } = {}) {
      const size = pageSize(limit);
      const found = await store.read((db) => selectVersions(db, filter, size + 1, pagePosition(after)));
      const items = found.slice(0, size);
      const last = items.at(-1);
      return {
        items: items.map(({ version }) => version),
        ...(found.length > size && last !== undefined ? { next: String(last.position) } : {}),
      };
    },
    async get(model, version) {
      if (typeof version === 'number' || /^\d+$/.test(version)) return numbered(model, Number(version));
      if (version === 'latest') {
        const { latest } = await getModel(model);
        return numbered(model, latest ?? 0);
      }
      const found = isAlias(version) ? await aliased(model, version) : undefined;
      if (found !== undefined) return found;
      const { latest } = await getModel(model);
      const right = `a number up to ${latest ?? 0}, "latest", or an alias that is set (${aliasNames.join(', ')})`;
      throw new GyreError('NOT_FOUND', `model "${model}" has no version "${version}": ${right} is right`, { model, version });
    },
    async byPackagePrefix(prefix) {
      if (!/^[0-9a-f]{1,64}$/.test(prefix))
        throw new GyreError('INVALID_ARGUMENT', `"${prefix}" is no beginning of a package digest: lower-case hex digits are right`, {
          prefix,
        });
      return (await store.read((db) => selectVersions(db, { packagePrefix: prefix }, 100, undefined))).map(({ version }) => version);
    },
    async byRun(run) {
      return (await store.read((db) => selectVersions(db, { run }, 1000, undefined))).map(({ version }) => version);
    },
    async setAlias({ model, alias, version: number, by }) {
      const version = await numbered(model, number);
      const refusal = await guard(version, alias);
      if (refusal !== undefined) {
        throw new GyreError('FAILED_PRECONDITION', `version ${number} of "${model}" may not become ${alias}: ${refusal}`, {
          model,
          version: number,
          alias,
        });
      }
      await store.write(pointAlias, { version, alias, by });
      return getById(version.id);
    },
    async removeAlias(request) {
      await store.write(unpointAlias, request);
    },
    async setTags({ model, version: number, tags, by }) {
      const version = await numbered(model, number);
      await store.write(tag, { version, tags, by });
      return getById(version.id);
    },
    async files(version) {
      return (await getById(version)).files;
    },
    async openFile(version, path) {
      const file = await fileOf(version, path);
      return { file, bytes: await blobs.open(asSha256(file.digest)) };
    },
    async evidence(version) {
      const parsed: unknown = JSON.parse(new TextDecoder().decode(await readFile(version, 'evidence.json')));
      if (Check(Evidence, parsed)) return parsed;
      throw new GyreError('DATA_LOSS', `the evidence file of version ${version} has a form that this Gyre does not read`, { version });
    },
  };
}

function isAlias(text: string): text is AliasName {
  return aliasNames.some((name) => name === text);
}

function pageSize(limit = 50): number {
  return Math.min(Math.max(1, Math.trunc(limit)), 1000);
}

function pagePosition(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  const position = Number(after);
  if (Number.isSafeInteger(position) && position > 0) return position;
  throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token: use the "next" of the page before`);
}
