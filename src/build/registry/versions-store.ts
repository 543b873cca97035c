import type { Actor, ModelVersion, PackageFile, RegisteredModel, Signature } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';

interface ModelRow {
  readonly name: string;
  readonly description: string;
  readonly created_at: number;
  /** The highest number given to a version; 0 before the first. Numbers are not given again. */
  readonly latest: number;
}

interface VersionRow {
  readonly position?: number;
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly package: string;
  readonly files: PackageFile[];
  readonly signature: Signature;
  readonly run: string;
  readonly test_report: string;
  readonly tests_passed: boolean;
  readonly charter: string;
  readonly created_at: number;
  readonly created_by: Actor;
}

interface Tables {
  registered_models: ModelRow;
  model_versions: VersionRow;
  model_aliases: { readonly model: string; readonly alias: string; readonly version: number };
  model_version_tags: { readonly version: string; readonly key: string; readonly value: string };
}

/** A version on its way into the store: it gets its number there. */
export interface NewVersion extends Omit<VersionRow, 'position' | 'version'> {
  readonly tags: Readonly<Record<string, string>>;
  readonly description?: string;
}

/** Adds a version under the next number, unless the model has this package. @returns the version, and whether this call made it */
export async function insertVersion(tx: Tx, args: NewVersion): Promise<{ readonly version: ModelVersion; readonly created: boolean }> {
  const { tags, description, ...row } = args;
  await tx.lock(`registered-model:${row.model}`);
  const [known] = await selectVersions(tx, { model: row.model, package: row.package }, 1, undefined);
  if (known !== undefined) return { version: known.version, created: false };
  const tables = tx.tables<Tables>();
  const model = await tables.selectFrom('registered_models').selectAll().where('name', '=', row.model).executeTakeFirst();
  const version = (model?.latest ?? 0) + 1;
  if (model === undefined) {
    await tables
      .insertInto('registered_models')
      .values({ name: row.model, description: description ?? '', created_at: row.created_at, latest: version })
      .execute();
  } else {
    const change = { latest: version, ...(description === undefined ? {} : { description }) };
    await tables.updateTable('registered_models').set(change).where('name', '=', row.model).execute();
  }
  await tables
    .insertInto('model_versions')
    .values({ ...row, version })
    .execute();
  await putTags(tx, row.id, tags);
  const [made] = await selectVersions(tx, { id: row.id }, 1, undefined);
  return { version: made.version, created: true };
}

/** Sets tags of a version; null removes one. */
export async function putTags(tx: Tx, version: string, tags: Readonly<Record<string, string | null>>): Promise<void> {
  const tables = tx.tables<Tables>();
  for (const [key, value] of Object.entries(tags)) {
    if (value === null) {
      await tables.deleteFrom('model_version_tags').where('version', '=', version).where('key', '=', key).execute();
      continue;
    }
    await tables
      .insertInto('model_version_tags')
      .values({ version, key, value })
      .onConflict((conflict) => conflict.columns(['version', 'key']).doUpdateSet({ value }))
      .execute();
  }
}

export interface VersionFilter {
  readonly id?: string;
  readonly model?: string;
  readonly version?: number;
  readonly run?: string;
  readonly package?: string;
  /** The first hex digits of the package's digest. */
  readonly packagePrefix?: string;
}

/** Versions with their aliases and tags, newest first. @param before only those with a lower position */
export async function selectVersions(
  db: Db,
  filter: VersionFilter,
  limit: number,
  before: number | undefined,
): Promise<{ readonly version: ModelVersion; readonly position: number }[]> {
  let query = db.tables<Tables>().selectFrom('model_versions').selectAll();
  if (filter.id !== undefined) query = query.where('id', '=', filter.id);
  if (filter.model !== undefined) query = query.where('model', '=', filter.model);
  if (filter.version !== undefined) query = query.where('version', '=', filter.version);
  if (filter.run !== undefined) query = query.where('run', '=', filter.run);
  if (filter.package !== undefined) query = query.where('package', '=', filter.package);
  // 'g' comes after every hex digit.
  if (filter.packagePrefix !== undefined)
    query = query.where('package', '>=', filter.packagePrefix).where('package', '<', `${filter.packagePrefix}g`);
  if (before !== undefined) query = query.where('position', '<', before);
  const rows = await query.orderBy('position', 'desc').limit(limit).execute();
  return assemble(db, rows);
}

async function assemble(db: Db, rows: readonly VersionRow[]): Promise<{ readonly version: ModelVersion; readonly position: number }[]> {
  if (rows.length === 0) return [];
  const tables = db.tables<Tables>();
  const aliases = await tables
    .selectFrom('model_aliases')
    .selectAll()
    .where('model', 'in', [...new Set(rows.map(({ model }) => model))])
    .orderBy('alias')
    .execute();
  const tags = await tables
    .selectFrom('model_version_tags')
    .selectAll()
    .where(
      'version',
      'in',
      rows.map(({ id }) => id),
    ) // prettier-ignore
    .orderBy('key')
    .execute();
  return rows.map((row) => ({
    position: row.position ?? 0,
    version: {
      id: row.id,
      model: row.model,
      version: row.version,
      package: row.package,
      files: row.files,
      signature: row.signature,
      run: row.run,
      testReport: row.test_report,
      testsPassed: row.tests_passed,
      charter: row.charter,
      aliases: aliases.filter(({ model, version }) => model === row.model && version === row.version).map(({ alias }) => alias),
      tags: Object.fromEntries(tags.filter(({ version }) => version === row.id).map(({ key, value }) => [key, value])),
      createdAt: isoInstant(row.created_at),
      createdBy: row.created_by,
    },
  }));
}

/** Points an alias at a version. @returns the version that it named before */
export async function putAlias(
  tx: Tx,
  { model, alias, version }: { readonly model: string; readonly alias: string; readonly version: number },
): Promise<number | undefined> {
  await tx.lock(`registered-model:${model}`);
  const previous = await aliasOf(tx, model, alias);
  await tx
    .tables<Tables>()
    .insertInto('model_aliases')
    .values({ model, alias, version })
    .onConflict((conflict) => conflict.columns(['model', 'alias']).doUpdateSet({ version }))
    .execute();
  return previous;
}

/** @returns the version that it named */
export async function deleteAlias(
  tx: Tx,
  { model, alias }: { readonly model: string; readonly alias: string },
): Promise<number | undefined> {
  await tx.lock(`registered-model:${model}`);
  const previous = await aliasOf(tx, model, alias);
  await tx.tables<Tables>().deleteFrom('model_aliases').where('model', '=', model).where('alias', '=', alias).execute();
  return previous;
}

export async function aliasOf(db: Db, model: string, alias: string): Promise<number | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('model_aliases')
    .select('version')
    .where('model', '=', model)
    .where('alias', '=', alias)
    .executeTakeFirst();
  return row?.version;
}

const toModel = ({ name, description, created_at: createdAt, latest }: ModelRow): RegisteredModel => ({
  name,
  description,
  createdAt: isoInstant(createdAt),
  ...(latest === 0 ? {} : { latest }),
});

export async function modelOf(db: Db, name: string): Promise<RegisteredModel | undefined> {
  const row = await db.tables<Tables>().selectFrom('registered_models').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toModel(row);
}

/** By name. @param after only those whose name comes later */
export async function selectModels(db: Db, limit: number, after: string | undefined): Promise<RegisteredModel[]> {
  let rows = db.tables<Tables>().selectFrom('registered_models').selectAll();
  if (after !== undefined) rows = rows.where('name', '>', after);
  return (await rows.orderBy('name').limit(limit).execute()).map(toModel);
}
