import type { Kysely } from 'kysely';
import { executesCodeOnLoad } from '#contract';
import type { ModelVersion } from '#contract';
import { GyreError, isoInstant } from '#core';
import { portions } from '#store';
import type { Db, Tx } from '#store';
import { keysPerQuery } from './tables.ts';
import type { AliasRow, EarlierPackageRow, Tables, VersionRow, VersionTagRow } from './tables.ts';

/** A version on its way into the store: it gets its number there. */
export interface NewVersion extends Omit<VersionRow, 'position' | 'version' | 'updated_at'> {
  readonly tags: Readonly<Record<string, string>>;
}

export interface FoundVersion {
  readonly version: ModelVersion;
  readonly position: number;
  /** Where its files are, when the source only leads there. */
  readonly location?: string;
}

/** Numbers, aliases and names of one model are changed by one transaction after the other. */
export function lockModel(tx: Tx, model: string): Promise<void> {
  return tx.lock(`registered-model:${model}`);
}

/** Adds a version under the next number of its model, which the caller has locked. @throws GyreError NOT_FOUND when there is no such model */
export async function insertVersion(tx: Tx, args: NewVersion): Promise<ModelVersion> {
  const { tags, ...row } = args;
  const tables = tx.tables<Tables>();
  const model = await tables
    .updateTable('registered_models')
    .set((of) => ({ latest: of('latest', '+', 1), updated_at: row.created_at }))
    .where('name', '=', row.model)
    .returning('latest')
    .executeTakeFirst();
  if (model === undefined) throw new GyreError('NOT_FOUND', `there is no registered model "${row.model}"`, { model: row.model });
  const made = { ...row, version: model.latest, updated_at: row.created_at };
  await tx.change(tables.insertInto('model_versions').values(made).compile());
  await putTags(tx, row.id, tags);
  return toVersion(made, [], { ...tags });
}

/** Sets tags of a version; null removes one. */
export async function putTags(tx: Tx, version: string, tags: Readonly<Record<string, string | null>>): Promise<void> {
  const tables = tx.tables<Tables>();
  for (const [key, value] of Object.entries(tags)) {
    if (value === null) {
      await tx.change(tables.deleteFrom('model_version_tags').where('version', '=', version).where('key', '=', key).compile());
      continue;
    }
    const insert = tables.insertInto('model_version_tags').values({ version, key, value });
    await tx.change(insert.onConflict((conflict) => conflict.columns(['version', 'key']).doUpdateSet({ value })).compile());
  }
}

/** What a test leaves. */
type JudgedColumn = 'package' | 'files' | 'signature' | 'test_report' | 'tests_passed' | 'charter' | 'brought';

/** Changes what people say about a version, or what Gyre has made of it. */
export async function changeVersion(
  tx: Tx,
  id: string,
  change: Partial<Pick<VersionRow, 'description' | 'stage' | JudgedColumn>> & Pick<VersionRow, 'updated_at'>,
): Promise<void> {
  await tx.change(tx.tables<Tables>().updateTable('model_versions').set(change).where('id', '=', id).compile());
}

/** Takes a version away, with its aliases and tags, and keeps the record of it. */
export async function buryVersion(tx: Tx, version: ModelVersion, at: number): Promise<void> {
  const tables = tx.tables<Tables>();
  await tables.deleteFrom('model_aliases').where('model', '=', version.model).where('version', '=', version.version).execute();
  await tables.deleteFrom('model_version_tags').where('version', '=', version.id).execute();
  await tables.deleteFrom('model_versions').where('id', '=', version.id).execute();
  const record: ModelVersion = { ...version, aliases: [], deletedAt: isoInstant(at) };
  await tables
    .insertInto('deleted_model_versions')
    .values({ id: version.id, package: version.package ?? null, record, deleted_at: at })
    .execute();
}

/** The records of deleted versions, newest first. */
export async function selectDeleted(db: Db, by: { readonly id: string } | { readonly packagePrefix: string }): Promise<ModelVersion[]> {
  let query = db.tables<Tables>().selectFrom('deleted_model_versions').select('record');
  query =
    'id' in by
      ? query.where('id', '=', by.id)
      : query.where('package', '>=', by.packagePrefix).where('package', '<', `${by.packagePrefix}g`);
  return (await query.orderBy('deleted_at', 'desc').limit(100).execute()).map(({ record }) => record);
}

/** Keeps the digest of a package that a version has no more. */
export async function keepEarlierPackage(tx: Tx, row: EarlierPackageRow): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('earlier_packages')
    .values(row)
    .onConflict((conflict) => conflict.columns(['package', 'version']).doNothing())
    .execute();
}

/** The ids of versions that had a package whose digest begins so. */
export async function versionsOfEarlierPackage(db: Db, prefix: string): Promise<string[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('earlier_packages')
    .select('version')
    .distinct()
    .where('package', '>=', prefix)
    .where('package', '<', `${prefix}g`)
    .limit(100)
    .execute();
  return rows.map(({ version }) => version);
}

export interface VersionFilter {
  readonly id?: string;
  readonly model?: string;
  readonly version?: number;
  readonly run?: string;
  readonly loggedModel?: string;
  readonly package?: string;
  /** The first hex digits of the package's digest. */
  readonly packagePrefix?: string;
  readonly stage?: ModelVersion['stage'];
  /** Only those that were judged by a test report. */
  readonly tested?: true;
}

/** Versions with their aliases and tags, newest first. @param before only those with a lower position */
export async function selectVersions(db: Db, filter: VersionFilter, limit: number, before?: number): Promise<FoundVersion[]> {
  let query = db.tables<Tables>().selectFrom('model_versions').selectAll();
  if (filter.id !== undefined) query = query.where('id', '=', filter.id);
  if (filter.model !== undefined) query = query.where('model', '=', filter.model);
  if (filter.version !== undefined) query = query.where('version', '=', filter.version);
  if (filter.run !== undefined) query = query.where('run', '=', filter.run);
  if (filter.loggedModel !== undefined) query = query.where('logged_model', '=', filter.loggedModel);
  if (filter.package !== undefined) query = query.where('package', '=', filter.package);
  // 'g' comes after every hex digit.
  if (filter.packagePrefix !== undefined)
    query = query.where('package', '>=', filter.packagePrefix).where('package', '<', `${filter.packagePrefix}g`);
  if (filter.stage !== undefined) query = query.where('stage', '=', filter.stage);
  if (filter.tested === true) query = query.where('test_report', 'is not', null);
  if (before !== undefined) query = query.where('position', '<', before);
  return assemble(db, await query.orderBy('position', 'desc').limit(limit).execute());
}

/** Whether a model has a version that was judged by a test report. */
export async function hasTested(db: Db, model: string): Promise<boolean> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('model_versions')
    .select('model')
    .where('model', '=', model)
    .where('test_report', 'is not', null)
    .limit(1)
    .execute();
  return rows.length > 0;
}

/** The newest version of each stage of some models. */
export async function selectNewestOfStages(db: Db, models: readonly string[]): Promise<ModelVersion[]> {
  if (models.length === 0) return [];
  const rows = await db
    .tables<Tables>()
    .selectFrom('model_versions')
    .selectAll()
    .where('model', 'in', models)
    .where((is) =>
      is(
        is.refTuple('model', 'version'),
        'in',
        is
          .selectFrom('model_versions')
          .select((of) => ['model', of.fn.max('version').as('version')])
          .where('model', 'in', models)
          .groupBy(['model', 'stage'])
          .$asTuple('model', 'version'),
      ),
    )
    .orderBy('model')
    .orderBy('version')
    .execute();
  return (await assemble(db, rows)).map(({ version }) => version);
}

/** Rows with what belongs to them. */
export async function assemble(db: Db, rows: readonly VersionRow[]): Promise<FoundVersion[]> {
  const tables = db.tables<Tables>();
  const models = portions([...new Set(rows.map(({ model }) => model))], keysPerQuery);
  const ids = portions(
    rows.map(({ id }) => id),
    keysPerQuery,
  );
  const [aliases, tags] = await Promise.all([
    Promise.all(models.map((some) => aliasesOf(tables).where('model', 'in', some).execute())),
    Promise.all(ids.map((some) => tagsOf(tables).where('version', 'in', some).execute())),
  ]);
  return withLabels(rows, aliases.flat(), tags.flat());
}

/** One version by its number. */
export async function selectNumbered(db: Db, model: string, version: number): Promise<FoundVersion | undefined> {
  const tables = db.tables<Tables>();
  const numbered = tables.selectFrom('model_versions').where('model', '=', model).where('version', '=', version);
  const [rows, aliases, tags] = await Promise.all([
    numbered.selectAll().execute(),
    aliasesOf(tables).where('model', '=', model).where('version', '=', version).execute(),
    tagsOf(tables).where('version', 'in', numbered.select('id')).execute(),
  ]);
  return withLabels(rows, aliases, tags).at(0);
}

const aliasesOf = (tables: Kysely<Tables>) => tables.selectFrom('model_aliases').selectAll().orderBy('alias');
const tagsOf = (tables: Kysely<Tables>) => tables.selectFrom('model_version_tags').selectAll().orderBy('key');

function withLabels(rows: readonly VersionRow[], aliasRows: readonly AliasRow[], tagRows: readonly VersionTagRow[]): FoundVersion[] {
  const aliases = new Map<string, string[]>();
  for (const { model, version, alias } of aliasRows) {
    const key = `${version}:${model}`;
    aliases.set(key, [...(aliases.get(key) ?? []), alias]);
  }
  const tags = new Map<string, Record<string, string>>();
  for (const { version, key, value } of tagRows) tags.set(version, { ...tags.get(version), [key]: value });
  return rows.map((row) => ({
    position: row.position ?? 0,
    version: toVersion(row, aliases.get(`${row.version}:${row.model}`) ?? [], tags.get(row.id) ?? {}),
    ...(row.location === null ? {} : { location: row.location }),
  }));
}

function toVersion(row: VersionRow, aliases: string[], tags: Record<string, string>): ModelVersion {
  return {
    id: row.id,
    model: row.model,
    version: row.version,
    source: row.source,
    ...(row.package === null ? {} : { package: row.package }),
    files: row.files,
    ...(row.signature === null ? {} : { signature: row.signature }),
    ...(row.flavors === null ? {} : { flavors: row.flavors }),
    ...(row.flavors !== null && executesCodeOnLoad({ files: row.files, flavors: row.flavors }) ? { executesCodeOnLoad: true } : {}),
    ...(row.run === null ? {} : { run: row.run }),
    ...(row.logged_model === null ? {} : { loggedModel: row.logged_model }),
    ...(row.test_report === null ? {} : { testReport: row.test_report }),
    testsPassed: row.tests_passed,
    ...(row.charter === null ? {} : { charter: row.charter }),
    ...(row.brought === null ? {} : { brought: row.brought }),
    description: row.description,
    stage: row.stage,
    ...(row.run_link === null ? {} : { runLink: row.run_link }),
    aliases,
    tags,
    createdAt: isoInstant(row.created_at),
    updatedAt: isoInstant(row.updated_at),
    createdBy: row.created_by,
  };
}
