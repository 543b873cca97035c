import type { Actor, DatasetVersion, Quarantine } from '#contract';
import { GyreError } from '#core';
import { appendColumn, numberColumn, takeRows, textColumn } from '#tables';
import type { DataDeps } from '../port.ts';
import { openRows, prepareVersion } from '../versions.ts';
import type { PreparedVersion } from '../versions.ts';
import type { FailureLog } from './failure-log.ts';
import { rowNumber } from '../masking.ts';

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
  const frame = await openRows(deps, version);
  const { dataset, schema } = version;
  const counts = [...log.counts()].map(([check, failing]) => ({ check, rows: failing })).sort((a, b) => b.rows - a.rows);
  const why = counts.slice(0, 3).map(({ check, rows: failing }) => `${check} (${failing})`);
  if (rows.length === frame.rows) {
    const message = `all ${frame.rows} rows of "${dataset}" fail a check, so that none is left to go on: ${why.join(', ')}`;
    throw new GyreError('FAILED_PRECONDITION', message, { version: version.digest });
  }
  const taken = [rowColumn, reasonsColumn].find((name) => frame.has(name));
  if (taken !== undefined)
    throw new GyreError('FAILED_PRECONDITION', `"${dataset}" has a column "${taken}", which its quarantine needs for itself`, {
      column: taken,
    });
  const isBad = new Uint8Array(frame.rows);
  for (const row of rows) isBad[row] = 1;
  const good = Int32Array.from({ length: frame.rows }, (_, row) => row).filter((row) => isBad[row] === 0);
  const numbers = numberColumn(Float64Array.from(rows, rowNumber));
  const texts = textColumn(reasons.map((each) => each.join('; ')));
  const bad = appendColumn(appendColumn(takeRows(frame, rows), rowColumn, numbers, 'integer'), reasonsColumn, texts);
  const derivedFrom = (side: 'kept' | 'quarantined') => ({
    parents: [version.digest],
    operation: 'quarantine' as const,
    parameters: { side, checks: Object.fromEntries(counts.map(({ check, rows: failing }) => [check, failing])) },
  });
  const from = `quality of ${dataset} ${version.digest.slice(0, 12)}`;
  const kept = await prepareVersion(deps, { dataset, frame: takeRows(frame, good), schema, derivedFrom: derivedFrom('kept'), from, by });
  const aside = await prepareVersion(deps, {
    dataset: quarantineOf(dataset),
    frame: bad,
    schema: {
      columns: [
        ...schema.columns.map(({ name, type, description }) => ({ name, type, ...(description === undefined ? {} : { description }) })),
        {
          name: rowColumn,
          type: 'integer',
          description: `number of the row in version ${version.digest.slice(0, 12)}, the header being 1`,
        },
        { name: reasonsColumn, type: 'string', description: 'the checks that the row fails' },
      ],
    },
    derivedFrom: derivedFrom('quarantined'),
    from,
    by,
  });
  return {
    versions: [kept, aside],
    quarantine: {
      version: aside.version.digest,
      rows: rows.length,
      kept: kept.version.digest,
      keptRows: good.length,
      reasons: counts,
    },
  };
}
