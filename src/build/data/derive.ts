import { GyreError } from '#core';
import type { DatasetVersion } from '#contract';
import { concatRows, frameFromRecords, parquetInfo, selectColumns } from '#tables';
import type { Frame, LooseRecord } from '#tables';
import type { AppendRequest, DataDeps, FileRequest, RowsRequest } from './port.ts';
import { plainSchema } from './table-schema.ts';
import { findVersion, openRows, prepareRowsFile, prepareVersion, recordVersions } from './versions.ts';
import type { PreparedVersion } from './versions.ts';

/** See `Data.createFromRows`. */
export async function createFromRows(deps: DataDeps, request: RowsRequest): Promise<{ version: DatasetVersion; created: boolean }> {
  const { frame, reason, schema = plainSchema(frame), source = request.derivedFrom?.operation ?? 'rows', ...rest } = request;
  const prepared = await prepareVersion(deps, { ...rest, frame, schema, from: source });
  const [recorded] = await record(deps, [prepared], reason);
  return recorded;
}

/** See `Data.createFromFile`. */
export async function createFromFile(deps: DataDeps, request: FileRequest): Promise<{ version: DatasetVersion; created: boolean }> {
  const { path, derivedFrom, source, ...rest } = request;
  const { rows, schema: columns } = await parquetInfo(path);
  const marks = new Map<string, { personal?: true; sensitive?: true }>();
  for (const parent of derivedFrom.parents)
    for (const { name, personal, sensitive } of (await findVersion(deps, parent)).schema.columns)
      marks.set(name, { ...marks.get(name), ...(personal === true ? { personal } : {}), ...(sensitive === true ? { sensitive } : {}) });
  const schema = { columns: columns.map(({ name, type }) => ({ name, type, ...marks.get(name) })) };
  const prepared = await prepareRowsFile(deps, { ...rest, schema, derivedFrom, from: source }, { path, rows, schema: columns });
  const [recorded] = await record(deps, [prepared]);
  return recorded;
}

/** See `Data.append`. The new rows become a version of their own first, so that the lineage of the whole names both. */
export async function append(
  deps: DataDeps,
  request: AppendRequest,
): Promise<{ version: DatasetVersion; created: boolean; rows: DatasetVersion }> {
  const { dataset, to, rows, reason, by } = request;
  const base = await findVersion(deps, to);
  const existing = await openRows(deps, base);
  const added = isFrame(rows) ? inOrderOf(existing, rows) : frameFromRecords(rows, existing.schema);
  if (added.rows === 0) throw new GyreError('FAILED_PRECONDITION', `0 rows to append to ${base.dataset}`, { dataset, to: base.digest });
  const { schema } = base;
  const addition = await prepareVersion(deps, { dataset, frame: added, schema, from: reason, by });
  const derivedFrom = { parents: [base.digest, addition.version.digest], operation: 'append' as const, parameters: { rows: added.rows } };
  const whole = await prepareVersion(deps, { dataset, frame: concatRows([existing, added]), schema, derivedFrom, from: reason, by });
  const [recordedRows, recorded] = await record(deps, [addition, whole], reason);
  return { ...recorded, rows: recordedRows.version };
}

const isFrame = (rows: Frame | readonly LooseRecord[]): rows is Frame => !Array.isArray(rows);

/** The new rows with the base's columns in the base's order; columns that the base lacks are refused by `concatRows`. */
function inOrderOf(base: Frame, rows: Frame): Frame {
  const extra = rows.names.filter((name) => !base.has(name));
  return selectColumns(rows, [...base.names.filter((name) => rows.has(name)), ...extra]);
}

async function record(
  deps: DataDeps,
  prepared: readonly PreparedVersion[],
  reason?: string,
): Promise<{ version: DatasetVersion; created: boolean }[]> {
  const now = deps.clock.now();
  return deps.store.write(
    (tx, versions: readonly PreparedVersion[]) => recordVersions(tx, deps, versions, { now, ...(reason === undefined ? {} : { reason }) }),
    prepared,
  );
}
