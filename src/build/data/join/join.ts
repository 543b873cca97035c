import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asSha256, digestOf } from '#core';
import type { DatasetVersion } from '#contract';
import { parquetInfo, withParquet, writeParquetQuery } from '#tables';
import { versionOfReading } from '../data-store.ts';
import type { DataDeps } from '../port.ts';
import { findVersion, prepareRowsFile, recordVersions } from '../versions.ts';
import { checkJoin } from './check-sides.ts';
import type { JoinRequest } from './join-request.ts';
import { joinSql } from './join-sql.ts';

/** Changes when the same versions joined in the same way may give other rows. */
const joinVersion = 1;

export interface Joined {
  readonly version: DatasetVersion;
  /** False when the dataset had this version: nothing was recorded. */
  readonly created: boolean;
}

/**
 * Joins versions into a version: a row for each row of the base, in its order, with what was known of its key at its instant. DuckDB does
 * the work, on disk where memory does not suffice; no table comes into this process's memory.
 * @throws GyreError INVALID_ARGUMENT (columns and types), FAILED_PRECONDITION (instants that are missing, keys that repeat), NOT_FOUND
 */
export async function joinVersions(deps: DataDeps, request: JoinRequest): Promise<Joined> {
  const { dataset, base, key, at, expect, source, by } = request;
  const parents = [await findVersion(deps, request.version)];
  for (const side of request.sides) parents.push(await findVersion(deps, side.version));
  const parameters = { base, key, ...(at === undefined ? {} : { at }), with: request.sides.map(({ version: _version, ...side }) => side) };
  const derivedFrom = { parents: [...new Set(parents.map(({ digest }) => digest))], operation: 'join' as const, parameters };
  const versions = parents.map(({ digest }) => digest);
  const reading = digestOf({ join: joinVersion, versions, parameters, expect: expect ?? null });
  const known = await deps.store.read((db) => versionOfReading(db, dataset, reading));
  if (known !== undefined && (await deps.blobs.has(asSha256(known.rowsDigest)))) return { version: known, created: false };

  const paths = await Promise.all(parents.map(({ rowsDigest }) => deps.blobs.localPath(asSha256(rowsDigest), { verify: true })));
  const tables = Object.fromEntries(paths.map((path, index) => [index === 0 ? 'base' : `s${index - 1}`, path]));
  const folder = await mkdtemp(join(deps.temporary ?? tmpdir(), 'gyre-join-'));
  try {
    const engine = { spillFolder: folder };
    const sql = await withParquet(
      tables,
      async (open) => {
        await checkJoin(request, open);
        return joinSql(
          request,
          open.schemaOf('base'),
          request.sides.map((_side, index) => open.schemaOf(`s${index}`)),
        );
      },
      engine,
    );
    const path = join(folder, 'rows.parquet');
    await writeParquetQuery(path, `SELECT * EXCLUDE ("#row") FROM (${sql}) ORDER BY "#row"`, tables, engine);
    const { rows, schema } = await parquetInfo(path);
    const parts = { dataset, schema: expect ?? { columns: [...schema] }, derivedFrom, from: source, reading, by };
    const prepared = await prepareRowsFile(deps, parts, { path, rows, schema });
    const now = deps.clock.now();
    const [recorded] = await deps.store.write((tx, args) => recordVersions(tx, deps, [args], { now }), prepared);
    return recorded;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
