import { sql } from 'kysely';
import type { Expression, SqlBool } from 'kysely';
import type { ArtifactEntry, ArtifactFile } from '#contract';
import { GyreError, isGyreError } from '#core';
import type { Db, Tx } from '#store';
import { ownRunId } from '../tracking/words.ts';
import { pathOf, placeOf } from './paths.ts';
import type { Place } from './paths.ts';

/** A file, or (without a digest) a folder. */
export interface ArtifactRow {
  readonly folder: string;
  readonly name: string;
  readonly digest: string | null;
  /** Bytes; of a folder 0. */
  readonly size: number;
  /** UTC milliseconds. */
  readonly stored_at: number;
}

interface Tables {
  artifacts: ArtifactRow;
  runs: { readonly id: string; readonly experiment: number; readonly study: string | null };
  experiments: { readonly id: number; readonly public_id: string };
}

/** Bytes that are stored, and the name that they are to have. */
export interface NamedFile {
  readonly file: ArtifactFile;
  /** UTC milliseconds. */
  readonly at: number;
}

/** Names files in their order. @returns for each why it was refused, undefined where it is named; a refused one leaves nothing */
export async function nameFiles(tx: Tx, named: readonly NamedFile[]): Promise<readonly (GyreError | undefined)[]> {
  const refusals: (GyreError | undefined)[] = [];
  for (const one of named) {
    try {
      await nameFile(tx, one);
      refusals.push(undefined);
    } catch (error) {
      if (!isGyreError(error)) throw error;
      refusals.push(error);
    }
  }
  return refusals;
}

/** Gives bytes that are stored a name in the tree. @throws GyreError as `ArtifactTree.put` */
export async function nameFile(tx: Tx, { file, at }: NamedFile): Promise<void> {
  const { path, digest, size } = file;
  const place = placeOf(path);
  const known = await entryAt(tx, place);
  if (known?.kind === 'folder') throw new GyreError('INVALID_ARGUMENT', `"${path}" is a folder: a file needs another name`, { path });
  if (known !== undefined && known.digest !== digest) await requireNoEvidence(tx, path);
  if (known === undefined) await ensureFolder(tx, place.folder, at);
  const insert = tx.tables<Tables>().insertInto('artifacts');
  const named = insert.values({ ...place, digest, size, stored_at: at });
  await tx.change(
    named.onConflict((conflict) => conflict.columns(['folder', 'name']).doUpdateSet({ digest, size, stored_at: at })).compile(),
  );
}

/** A folder and those above it are there; one that is already is found at once. */
async function ensureFolder(tx: Tx, folder: string, at: number): Promise<void> {
  if (folder === '') return;
  const place = placeOf(folder);
  const known = await entryAt(tx, place);
  if (known?.kind === 'file')
    throw new GyreError('INVALID_ARGUMENT', `"${folder}" is a file: nothing can stand below it`, { path: folder });
  if (known !== undefined) return;
  await ensureFolder(tx, place.folder, at);
  const insert = tx.tables<Tables>().insertInto('artifacts');
  await tx.change(insert.values({ ...place, digest: null, size: 0, stored_at: at }).compile());
}

export async function entryAt(db: Db, { folder, name }: Place): Promise<ArtifactEntry | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('artifacts')
    .selectAll()
    .where('folder', '=', folder)
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? undefined : entryOf(row);
}

/** Of one folder, in the order of names. @param after a name */
export async function entriesOf(db: Db, folder: string, limit: number, after: string | undefined): Promise<readonly ArtifactEntry[]> {
  let query = db.tables<Tables>().selectFrom('artifacts').selectAll().where('folder', '=', folder);
  if (after !== undefined) query = query.where('name', '>', after);
  return (await query.orderBy('name').limit(limit).execute()).map(entryOf);
}

/** All files below a folder in the order of (folder, name). */
export async function filesBelow(db: Db, folder: string, limit: number, after: Place | undefined): Promise<readonly ArtifactFile[]> {
  let query = db.tables<Tables>().selectFrom('artifacts').selectAll().where(isBelow(folder)).where('digest', 'is not', null);
  if (after !== undefined) query = query.where(sql<SqlBool>`(folder, name) > (${after.folder}, ${after.name})`);
  const rows = await query.$narrowType<{ readonly digest: string }>().orderBy('folder').orderBy('name').limit(limit).execute();
  return rows.map((row) => ({ path: pathOf(row), digest: row.digest, size: row.size }));
}

/** @see ArtifactTree.delete */
export async function removeAt(tx: Tx, path: string): Promise<number> {
  const place = placeOf(path);
  const entry = await entryAt(tx, place);
  if (entry === undefined) return 0;
  await requireNoEvidence(tx, path);
  const tables = tx.tables<Tables>();
  let files = entry.kind === 'file' ? 1 : 0;
  if (entry.kind === 'folder') {
    const { count } = await tables
      .selectFrom('artifacts')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where(isBelow(path))
      .where('digest', 'is not', null)
      .executeTakeFirstOrThrow();
    files = Number(count);
    await tables.deleteFrom('artifacts').where(isBelow(path)).execute();
  }
  await tables.deleteFrom('artifacts').where('folder', '=', place.folder).where('name', '=', place.name).execute();
  return files;
}

/** Whether a row stands below a folder, however deep. */
export function isBelow(folder: string): Expression<SqlBool> {
  // "0" is the character after "/": a range of the primary key instead of a pattern.
  return folder === ''
    ? sql<SqlBool>`true`
    : sql<SqlBool>`(folder = ${folder} or (folder >= ${`${folder}/`} and folder < ${`${folder}0`}))`;
}

/** A model's package, its test report and a reproduction all name by digest what a study's run left. */
async function requireNoEvidence(tx: Tx, path: string): Promise<void> {
  const [experiment, run, ...rest] = path.split('/');
  const studied = tx.tables<Tables>().selectFrom('runs').select('runs.id').where('study', 'is not', null);
  const held =
    run === undefined
      ? await studied
          .innerJoin('experiments', 'experiments.id', 'runs.experiment')
          .where('experiments.public_id', '=', experiment)
          .limit(1)
          .executeTakeFirst()
      : await studied.where('runs.id', '=', ownRunId(run)).executeTakeFirst();
  if (held === undefined || (rest.length > 0 && rest[0] !== 'artifacts')) return;
  const message = `"${path}" belongs to run ${held.id} of Gyre’s own trainers: what they left is evidence, which is neither replaced nor deleted`;
  throw new GyreError('FAILED_PRECONDITION', message, { path, run: held.id });
}

function entryOf(row: ArtifactRow): ArtifactEntry {
  const path = pathOf(row);
  return row.digest === null ? { kind: 'folder', path } : { kind: 'file', path, digest: row.digest, size: row.size };
}
