import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventType } from '#contract';
import type { Actor, DatasetFile, DatasetManifest, DatasetVersion, TableSchema } from '#contract';
import { GyreError, asSha256, digestOf } from '#core';
import type { Sha256 } from '#core';
import type { Tx } from '#store';
import { readParquet, writeParquet } from '#tables';
import type { Frame, TableSchema as Columns } from '#tables';
import { digestsLike, insertVersion, versionOf } from './data-store.ts';
import type { DataDeps } from './port.ts';

/** What a version is made of, before it is recorded. Its blobs are stored and durable. */
export interface PreparedVersion {
  readonly version: Omit<DatasetVersion, 'createdAt'>;
  readonly reading?: string;
}

export interface VersionParts {
  readonly dataset: string;
  readonly part?: string;
  readonly schema: TableSchema;
  /** The source files; without them the rows' own file is what the version is made of. */
  readonly source?: { readonly format: DatasetManifest['format']; readonly files: readonly DatasetFile[] };
  readonly derivedFrom?: DatasetManifest['derivedFrom'];
  readonly from: string;
  readonly reading?: string;
  readonly by: Actor;
}

/** The digest of a table's shape: names and types, in order. What a person wrote about the columns is not in it. */
export function schemaDigest({ schema }: { readonly schema: Columns }): Sha256 {
  return digestOf(schema.map(({ name, type }) => ({ name, type })));
}

/** Rows in a Parquet file of our own, on their way into the blobs. */
export interface RowsFile {
  /** Absolute. */
  readonly path: string;
  readonly rows: number;
  readonly schema: Columns;
}

/**
 * Stores the rows and works out the version's digest. Nothing is recorded yet: a process that dies here leaves blobs that nobody names.
 * @throws GyreError FAILED_PRECONDITION when there is no row, RESOURCE_EXHAUSTED when the disk is full
 */
export async function prepareVersion(
  deps: DataDeps,
  { frame, ...parts }: VersionParts & { readonly frame: Frame },
): Promise<PreparedVersion> {
  refuseNoRows(frame.rows, parts);
  const folder = await mkdtemp(join(deps.temporary ?? tmpdir(), 'gyre-rows-'));
  try {
    const path = join(folder, 'rows.parquet');
    await writeParquet(frame, path);
    return await prepareRowsFile(deps, parts, { path, rows: frame.rows, schema: frame.schema });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As `prepareVersion`, for rows that are in a file. */
export async function prepareRowsFile({ blobs }: DataDeps, parts: VersionParts, file: RowsFile): Promise<PreparedVersion> {
  const { dataset, part, schema, source, derivedFrom, from, reading, by } = parts;
  refuseNoRows(file.rows, parts);
  const { digest, size, md5 = '' } = await blobs.putFile(file.path, { md5: true });
  const rowsFile: DatasetFile = { path: 'rows.parquet', size, sha256: digest, md5 };
  const manifest: DatasetManifest = {
    format: source?.format ?? 'rows',
    files: source ? [...source.files] : [],
    // a version of a source is known by the source's bytes, so that another writer of Parquet makes no other version of it
    ...(source ? {} : { rowsFile }),
    rows: file.rows,
    schemaDigest: schemaDigest(file),
    ...(derivedFrom ? { derivedFrom } : {}),
  };
  const version = {
    digest: digestOf(manifest),
    dataset,
    ...(part === undefined ? {} : { part }),
    manifest,
    rowsDigest: rowsFile.sha256,
    schema,
    source: from,
    createdBy: by,
  };
  return { version, ...(reading === undefined ? {} : { reading }) };
}

function refuseNoRows(rows: number, { from, dataset }: Pick<VersionParts, 'from' | 'dataset'>): void {
  if (rows === 0) throw new GyreError('FAILED_PRECONDITION', `${from} has 0 rows: a dataset version needs at least one`, { dataset });
}

/** Records prepared versions and their events inside a write. Versions that the dataset has already stay as they are, without an event. */
export async function recordVersions(
  tx: Tx,
  deps: Pick<DataDeps, 'events'>,
  prepared: readonly PreparedVersion[],
  { now, reason }: { readonly now: number; readonly reason?: string },
): Promise<{ version: DatasetVersion; created: boolean }[]> {
  const recorded = [];
  for (const { version, reading } of prepared) {
    const result = await insertVersion(tx, { version, createdAt: now, ...(reading === undefined ? {} : { reading }) });
    recorded.push(result);
    if (!result.created) continue;
    deps.events.publish(tx, {
      type: eventType('dataset.versioned'),
      subject: version.digest,
      actor: version.createdBy.identity,
      data: {
        digest: version.digest,
        dataset: version.dataset,
        ...(version.part === undefined ? {} : { part: version.part }),
        rows: version.manifest.rows,
      },
      ...(reason === undefined ? {} : { reason }),
    });
  }
  return recorded;
}

const shortestPrefix = 6;

/** A version by its digest or the beginning of one. @throws GyreError NOT_FOUND naming what comes near, INVALID_ARGUMENT when several begin so */
export async function findVersion({ store }: Pick<DataDeps, 'store'>, version: string): Promise<DatasetVersion> {
  return store.read(async (db) => {
    const exact = await versionOf(db, version);
    if (exact) return exact;
    const isPrefix = /^[0-9a-f]+$/.test(version) && version.length >= shortestPrefix && version.length < 64;
    const like = isPrefix ? await digestsLike(db, version, 3) : [];
    if (like.length === 1) {
      const found = await versionOf(db, like[0]);
      if (found) return found;
    }
    if (like.length > 1)
      throw new GyreError('INVALID_ARGUMENT', `several dataset versions begin with ${version}: ${like.join(', ')}`, { version });
    const near = isPrefix ? [] : await digestsLike(db, version.slice(0, shortestPrefix), 3);
    const hint = near.length > 0 ? `; ${near.join(', ')} comes near` : '; `gyre data ls` lists them';
    throw new GyreError('NOT_FOUND', `no dataset version ${version}${hint}`, { version });
  });
}

/** The rows of a version, after its file was checked against its digest. */
export async function openRows({ blobs }: Pick<DataDeps, 'blobs'>, version: DatasetVersion, columns?: readonly string[]): Promise<Frame> {
  const path = await blobs.localPath(asSha256(version.rowsDigest), { verify: true });
  return readParquet(path, columns ? { columns } : {});
}
