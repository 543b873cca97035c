import type { RegisteredModel } from '#contract';
import { GyreError, isoInstant } from '#core';
import { portions } from '#store';
import type { Db, Tx } from '#store';
import { keysPerQuery } from './tables.ts';
import type { ModelRow, Tables } from './tables.ts';
import { lockModel } from './versions-store.ts';

/** The value of one tag of a model. */
export async function modelTag(db: Db, model: string, key: string): Promise<string | undefined> {
  const tags = db.tables<Tables>().selectFrom('registered_model_tags').select('value');
  return (await tags.where('model', '=', model).where('key', '=', key).executeTakeFirst())?.value;
}

/** Adds a model without versions. @throws GyreError ALREADY_EXISTS */
export async function insertModel(tx: Tx, row: Omit<ModelRow, 'updated_at' | 'latest'>): Promise<void> {
  await lockModel(tx, row.name);
  const made = await tx
    .tables<Tables>()
    .insertInto('registered_models')
    .values({ ...row, updated_at: row.created_at, latest: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('name')
    .executeTakeFirst();
  if (made === undefined) throw new GyreError('ALREADY_EXISTS', `there is a registered model "${row.name}" already`, { model: row.name });
}

/** @throws GyreError NOT_FOUND */
export async function changeModel(
  tx: Tx,
  name: string,
  change: Partial<Pick<ModelRow, 'description'>> & Pick<ModelRow, 'updated_at'>,
): Promise<void> {
  const changed = await tx
    .tables<Tables>()
    .updateTable('registered_models')
    .set(change)
    .where('name', '=', name)
    .returning('name')
    .executeTakeFirst();
  if (changed === undefined) throw new GyreError('NOT_FOUND', `there is no registered model "${name}"`, { model: name });
}

/**
 * Gives a model another name, and with it its versions, aliases and tags.
 * @throws GyreError NOT_FOUND; ALREADY_EXISTS when another model has it
 */
export async function renameModel(tx: Tx, name: string, to: string, at: number): Promise<void> {
  for (const one of [name, to].toSorted()) await lockModel(tx, one);
  const tables = tx.tables<Tables>();
  const taken = to === name ? undefined : await modelOf(tx, to);
  if (taken !== undefined) throw new GyreError('ALREADY_EXISTS', `there is a registered model "${to}" already`, { model: to });
  await changeModel(tx, name, { updated_at: at });
  await tables.updateTable('registered_models').set({ name: to }).where('name', '=', name).execute();
  await tables.updateTable('model_versions').set({ model: to, updated_at: at }).where('model', '=', name).execute();
  await tables.updateTable('model_aliases').set({ model: to }).where('model', '=', name).execute();
  await tables.updateTable('registered_model_tags').set({ model: to }).where('model', '=', name).execute();
}

/** Takes a model away whose versions are gone. */
export async function deleteModel(tx: Tx, name: string): Promise<void> {
  const tables = tx.tables<Tables>();
  await tables.deleteFrom('registered_model_tags').where('model', '=', name).execute();
  await tables.deleteFrom('registered_models').where('name', '=', name).execute();
}

/** Sets tags of a model; null removes one. */
export async function putModelTags(tx: Tx, model: string, tags: Readonly<Record<string, string | null>>): Promise<void> {
  const tables = tx.tables<Tables>();
  for (const [key, value] of Object.entries(tags)) {
    if (value === null) {
      await tx.change(tables.deleteFrom('registered_model_tags').where('model', '=', model).where('key', '=', key).compile());
      continue;
    }
    const insert = tables.insertInto('registered_model_tags').values({ model, key, value });
    await tx.change(insert.onConflict((conflict) => conflict.columns(['model', 'key']).doUpdateSet({ value })).compile());
  }
}

/** Points an alias at a version. */
export async function putAlias(
  tx: Tx,
  { model, alias, version }: { readonly model: string; readonly alias: string; readonly version: number },
): Promise<void> {
  const insert = tx.tables<Tables>().insertInto('model_aliases').values({ model, alias, version });
  await tx.change(insert.onConflict((conflict) => conflict.columns(['model', 'alias']).doUpdateSet({ version })).compile());
}

/** @returns the version that it named */
export async function deleteAlias(
  tx: Tx,
  { model, alias }: { readonly model: string; readonly alias: string },
): Promise<number | undefined> {
  await lockModel(tx, model);
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

export async function modelOf(db: Db, name: string): Promise<RegisteredModel | undefined> {
  const row = db.tables<Tables>().selectFrom('registered_models').selectAll().where('name', '=', name).executeTakeFirst();
  const [found, labels] = await Promise.all([row, labelsOf(db, [name])]);
  return found === undefined ? undefined : labelled(found, labels);
}

export async function hasModel(db: Db, name: string): Promise<boolean> {
  const found = db.tables<Tables>().selectFrom('registered_models').select('name').where('name', '=', name);
  return (await found.executeTakeFirst()) !== undefined;
}

/** @throws GyreError NOT_FOUND naming some that there are */
export async function requiredModel(db: Db, name: string): Promise<RegisteredModel> {
  const model = await modelOf(db, name);
  if (model !== undefined) return model;
  const known = (await selectModels(db, 10, undefined)).map((one) => `"${one.name}"`);
  throw new GyreError(
    'NOT_FOUND',
    `there is no registered model "${name}"; there ${known.length === 0 ? 'is none yet' : `are ${known.join(', ')}`}`,
    { model: name },
  );
}

/** By name. @param after only those whose name comes later */
export async function selectModels(db: Db, limit: number, after: string | undefined): Promise<RegisteredModel[]> {
  let rows = db.tables<Tables>().selectFrom('registered_models').selectAll();
  if (after !== undefined) rows = rows.where('name', '>', after);
  return withLabels(db, await rows.orderBy('name').limit(limit).execute());
}

/** Models with their tags, aliases and newest version. */
export async function withLabels(db: Db, rows: readonly ModelRow[]): Promise<RegisteredModel[]> {
  const models: RegisteredModel[] = [];
  for (const some of portions(rows, keysPerQuery)) {
    const labels = await labelsOf(
      db,
      some.map(({ name }) => name),
    );
    models.push(...some.map((row) => labelled(row, labels)));
  }
  return models;
}

interface Labels {
  readonly tags: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly aliases: ReadonlyMap<string, Readonly<Record<string, number>>>;
  readonly newest: ReadonlyMap<string, number>;
}

async function labelsOf(db: Db, names: readonly string[]): Promise<Labels> {
  const tables = db.tables<Tables>();
  const [tagRows, aliasRows, newestRows] = await Promise.all([
    tables.selectFrom('registered_model_tags').selectAll().where('model', 'in', names).orderBy('key').execute(),
    tables.selectFrom('model_aliases').selectAll().where('model', 'in', names).orderBy('alias').execute(),
    // One look into the index for each model; grouping would read all versions there are.
    tables
      .selectFrom('registered_models')
      .select((of) => [
        'name',
        of
          .selectFrom('model_versions')
          .select((all) => all.fn.max('version').as('version'))
          .whereRef('model_versions.model', '=', 'registered_models.name')
          .as('version'),
      ])
      .where('name', 'in', names)
      .execute(),
  ]);
  const tags = new Map<string, Record<string, string>>();
  for (const { model, key, value } of tagRows) tags.set(model, { ...tags.get(model), [key]: value });
  const aliases = new Map<string, Record<string, number>>();
  for (const { model, alias, version } of aliasRows) aliases.set(model, { ...aliases.get(model), [alias]: version });
  const newest = new Map<string, number>();
  for (const { name, version } of newestRows) if (version !== null) newest.set(name, Number(version));
  return { tags, aliases, newest };
}

function labelled(row: ModelRow, { tags, aliases, newest }: Labels): RegisteredModel {
  const latest = newest.get(row.name);
  return {
    name: row.name,
    description: row.description,
    tags: tags.get(row.name) ?? {},
    aliases: aliases.get(row.name) ?? {},
    createdAt: isoInstant(row.created_at),
    updatedAt: isoInstant(row.updated_at),
    ...(latest === undefined ? {} : { latest }),
  };
}
