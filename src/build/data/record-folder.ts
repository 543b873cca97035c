import { basename } from 'node:path';
import type { Actor, DatasetFile, DatasetIngestion, DatasetVersion, QualityCheck, TableSchema } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { Tx } from '#store';
import { filterRows } from '#tables';
import type { Frame } from '#tables';
import { versionOfReading } from './data-store.ts';
import type { IngestionWork } from './ingestions/running.ts';
import type { DataDeps, Ingested } from './port.ts';
import { parseRule, ruleOn } from './rules.ts';
import { plainSchema } from './table-schema.ts';
import { checkTarget } from './target.ts';
import { validateFrame, violationsOf } from './validate.ts';
import { openRows, prepareVersion, recordVersions } from './versions.ts';
import type { PreparedVersion } from './versions.ts';

/** What is asked of an ingestion of a folder, whatever lies in it. */
export interface FolderRequest {
  readonly dataset: string;
  /** Where the folder is, for the record. */
  readonly source: string;
  readonly key?: string;
  readonly target?: string;
  readonly expect?: TableSchema;
  /** Keeps the rows that meet it. */
  readonly where?: string;
  readonly by: Actor;
}

/** What was read of a folder. */
export interface ReadFolder {
  /** Whether the same was read before. */
  readonly reading: string;
  readonly format: 'files' | 'images';
  /** The files of the version's manifest with their bytes; the first is the listing. */
  readonly files: readonly { readonly file: DatasetFile; readonly bytes: Uint8Array }[];
  /** A row for each file; made only where the same was not read before. */
  readonly frame: () => Frame;
  /** What the ingestion's record says of it beside outcome, version and violations. @param rows of the version */
  readonly facts: (rows: number) => Partial<DatasetIngestion>;
}

/**
 * Records what was read of a folder: the version that it was before, or a new one. Order matters: rows and files are durable before version,
 * event and what came of the ingestion are recorded in one transaction.
 * @throws GyreError FAILED_PRECONDITION when no row meets `where`; what a missing key column and an unfit target throw
 */
export async function recordFolder(
  deps: DataDeps,
  request: FolderRequest,
  read: ReadFolder,
  going: IngestionWork,
): Promise<Pick<Ingested, 'version' | 'created' | 'violations' | 'ingestion'>> {
  const { dataset, source: from, expect, where, by } = request;
  const { reading, format, files, facts } = read;
  const keep = (tx: Tx, version: DatasetVersion, created: boolean, violations: readonly QualityCheck[]): Promise<DatasetIngestion> =>
    going.keep(
      tx,
      {
        outcome: created ? 'new' : 'unchanged',
        version: version.digest,
        rows: version.manifest.rows,
        ...facts(version.manifest.rows),
        ...(violations.length === 0 ? {} : { violations: violations.map(({ message }) => message) }),
      },
      { reading, stamp: '' },
    );
  const known = await deps.store.read((db) => versionOfReading(db, dataset, reading));
  if (known !== undefined && (await deps.blobs.has(asSha256(known.rowsDigest)))) {
    const { key, target } = request;
    // of many files a few columns are much less than all
    const wanted = expect === undefined ? [...new Set([key, target].filter((name) => name !== undefined))] : undefined;
    const violations = wanted?.length === 0 ? [] : checked(request, await openRows(deps, known, wanted));
    const ingestion = await deps.store.write((tx) => keep(tx, known, false, violations), {});
    return { version: known, created: false, violations, ingestion };
  }
  const frame = read.frame();
  const kept = where === undefined ? frame : rowsWhere(frame, where, `${basename(from)}: none of the ${frame.rows} ${format}`);
  const violations = checked(request, kept);
  const schema = expect ?? plainSchema(frame);
  for (const { bytes } of files) await deps.blobs.put(bytes);
  const whole = { dataset, schema, source: { format, files: files.map(({ file }) => file) }, from, by, frame };
  const prepared: PreparedVersion[] = [];
  if (where === undefined) prepared.push(await prepareVersion(deps, { ...whole, reading }));
  else {
    const parent = await prepareVersion(deps, whole);
    const derivedFrom = { parents: [parent.version.digest], operation: 'filter' as const, parameters: { where } };
    prepared.push(parent, await prepareVersion(deps, { dataset, schema, from, by, frame: kept, derivedFrom, reading }));
  }
  const now = deps.clock.now();
  return deps.store.write(async (tx, versions: readonly PreparedVersion[]) => {
    const recorded = await recordVersions(tx, deps, versions, { now });
    const { version, created } = recorded[recorded.length - 1];
    return { version, created, violations, ingestion: await keep(tx, version, created, violations) };
  }, prepared);
}

function rowsWhere(frame: Frame, where: string, none: string): Frame {
  const holds = ruleOn(frame, parseRule(where, frame));
  const kept = filterRows(frame, (row) => holds(row) === true);
  if (kept.rows > 0) return kept;
  throw new GyreError('FAILED_PRECONDITION', `${none} meets "${where}"`, { where });
}

/** @returns the violations of the reviewed schema */
function checked({ key, target, expect }: FolderRequest, frame: Frame): readonly QualityCheck[] {
  if (key !== undefined) frame.column(key);
  if (target !== undefined) checkTarget(frame, target);
  return expect === undefined ? [] : violationsOf(validateFrame(frame, expect));
}
