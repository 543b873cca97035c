import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor, DatasetVersion, Quarantine } from '#contract';
import { GyreError, asSha256 } from '#core';
import { createFrame, numberColumn, parquetInfo, sqlName, textColumn, writeParquet, writeParquetQuery } from '#tables';
import type { Frame } from '#tables';
import { rowNumber } from '../masking.ts';
import type { DataDeps } from '../port.ts';
import { prepareRowsFile } from '../versions.ts';
import type { PreparedVersion } from '../versions.ts';
import type { FailureLog } from './failure-log.ts';

/** What the engine that divides the rows may take; more is put down in a folder meanwhile. */
const memoryLimitMib = 640;

/** Where a dataset's bad rows go. */
export const quarantineOf = (dataset: string): string => `${dataset}-quarantine`;

/** Columns that the side table has beside the dataset's own. */
const rowColumn = 'quarantine_row';
const reasonsColumn = 'quarantine_reasons';

/**
 * Divides a version into rows that go on, a version of the same dataset, and rows that are set aside, a version of `<dataset>-quarantine`
 * with each row's number in the source and the checks that it fails. Both name the version as their parent. Nothing is recorded yet.
 * @returns undefined when no row fails
 * @throws GyreError FAILED_PRECONDITION when no row is left, or the dataset has columns of the names that the side table needs
 */
export async function prepareQuarantine(
  deps: DataDeps,
  version: DatasetVersion,
  log: FailureLog,
  by: Actor,
): Promise<{ readonly quarantine: Quarantine; readonly versions: readonly PreparedVersion[] } | undefined> {
  const { rows, reasons } = log.byRow();
  if (rows.length === 0) return undefined;
  const path = await deps.blobs.localPath(asSha256(version.rowsDigest), { verify: true });
  const whole = await parquetInfo(path);
  const { dataset, schema } = version;
  const counts = [...log.counts()].map(([check, failing]) => ({ check, rows: failing })).sort((a, b) => b.rows - a.rows);
  const why = counts.slice(0, 3).map(({ check, rows: failing }) => `${check} (${failing})`);
  if (rows.length === whole.rows) {
    const message = `all ${whole.rows} rows of "${dataset}" fail a check, so that none is left to go on: ${why.join(', ')}`;
    throw new GyreError('FAILED_PRECONDITION', message, { version: version.digest });
  }
  const taken = [rowColumn, reasonsColumn].find((name) => whole.schema.some((column) => column.name === name));
  if (taken !== undefined)
    throw new GyreError('FAILED_PRECONDITION', `"${dataset}" has a column "${taken}", which its quarantine needs for itself`, {
      column: taken,
    });
  const derivedFrom = (side: 'kept' | 'quarantined') => ({
    parents: [version.digest],
    operation: 'quarantine' as const,
    parameters: { side, checks: Object.fromEntries(counts.map(({ check, rows: failing }) => [check, failing])) },
  });
  const from = `quality of ${dataset} ${version.digest.slice(0, 12)}`;
  const asideSchema = {
    columns: [
      ...schema.columns.map(({ name, type, description }) => ({ name, type, ...(description === undefined ? {} : { description }) })),
      {
        name: rowColumn,
        type: 'integer' as const,
        description: `number of the row in version ${version.digest.slice(0, 12)}, the header being 1`,
      },
      { name: reasonsColumn, type: 'string' as const, description: 'the checks that the row fails' },
    ],
  };
  const folder = await mkdtemp(join(deps.temporary ?? tmpdir(), 'gyre-quarantine-'));
  try {
    const [marked, good, bad] = ['marked', 'good', 'bad'].map((name) => join(folder, `${name}.parquet`));
    await writeParquet(markedRows(rows, reasons), marked);
    const [names, number] = [whole.schema.map(({ name }) => sqlName(name)).join(', '), sqlName(rowColumn)];
    // rows are numbered as a reader of the source counts
    const numbered = `(SELECT *, (row_number() OVER ()) + ${rowNumber(0) - 1} AS ${number} FROM whole)`;
    const tables = { whole: path, marked };
    const options = { memoryLimitMib, spillFolder: folder };
    await writeParquetQuery(
      good,
      `SELECT ${names} FROM ${numbered} ANTI JOIN marked USING (${number}) ORDER BY ${number}`,
      tables,
      options,
    );
    const asideNames = `${names}, ${number}, ${sqlName(reasonsColumn)}`;
    await writeParquetQuery(bad, `SELECT ${asideNames} FROM ${numbered} JOIN marked USING (${number}) ORDER BY ${number}`, tables, options);
    const kept = await prepareRowsFile(
      deps,
      { dataset, schema, derivedFrom: derivedFrom('kept'), from, by },
      { path: good, rows: whole.rows - rows.length, schema: whole.schema },
    );
    const aside = await prepareRowsFile(
      deps,
      { dataset: quarantineOf(dataset), schema: asideSchema, derivedFrom: derivedFrom('quarantined'), from, by },
      {
        path: bad,
        rows: rows.length,
        schema: [...whole.schema, { name: rowColumn, type: 'integer' }, { name: reasonsColumn, type: 'string' }],
      },
    );
    return {
      versions: [kept, aside],
      quarantine: {
        version: aside.version.digest,
        rows: rows.length,
        kept: kept.version.digest,
        keptRows: whole.rows - rows.length,
        reasons: counts,
      },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The numbers of rows that are set aside, each with its reasons. */
function markedRows(rows: Int32Array, reasons: readonly (readonly string[])[]): Frame {
  return createFrame([
    { name: rowColumn, type: 'integer', column: numberColumn(Float64Array.from(rows, rowNumber)) },
    { name: reasonsColumn, column: textColumn(reasons.map((each) => each.join('; '))) },
  ]);
}
