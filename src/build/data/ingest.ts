import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { DatasetFile } from '#contract';
import { GyreError, asSha256, digestOf, sha256 } from '#core';
import { filterRows } from '#tables';
import type { ColumnEvidence, Frame } from '#tables';
import { versionOfReading } from './data-store.ts';
import { throughPointer } from './through-pointer.ts';
import type { DataDeps, IngestRequest, Ingested, SourceFormat } from './port.ts';
import { parseRule, ruleOn } from './rules.ts';
import { declaredTypes, formatOf, readSource, sourceBytes } from './source.ts';
import { plainSchema } from './table-schema.ts';
import { checkTarget } from './target.ts';
import { validateFrame, violationsOf } from './validate.ts';
import { openRows, prepareVersion, recordVersions } from './versions.ts';
import type { PreparedVersion } from './versions.ts';

/** See `Data.ingest`. Order matters: check the rows, store the blobs, record version and event in one transaction. */
export async function ingest(deps: DataDeps, request: IngestRequest): Promise<Ingested> {
  const { dataset, path, expect, where, by } = request;
  const format = request.format ?? formatOf(path);
  const bytes = await throughPointer(deps, path, await sourceBytes(path));
  const types = declaredTypes(expect);
  const file: DatasetFile = {
    // where the file lies says nothing about what it holds: the path is the one inside the version
    path: `data.${format}`,
    size: bytes.byteLength,
    sha256: sha256(bytes),
    md5: createHash('md5').update(bytes).digest('hex'),
  };
  const reading = digestOf({ file: file.sha256, format, types, where: where ?? null });
  const known = await knownReading(deps, dataset, reading);
  if (known) return known(request);

  const { frame, evidence } = await readWhole(deps, request, { format, bytes, file, types });
  if (frame.rows === 0) throw new GyreError('FAILED_PRECONDITION', `${basename(path)} has a header and 0 rows`, { path });
  const whole = { dataset, schema: expect ?? plainSchema(frame), source: { format, files: [file] }, from: request.source ?? path, by };
  const kept = where === undefined ? frame : filtered(frame, where, basename(path));
  checkColumns(kept, request);
  const violations = expect ? violationsOf(validateFrame(kept, expect)) : [];

  await deps.blobs.put(bytes, { md5: true });
  const prepared: PreparedVersion[] = [];
  if (where === undefined) prepared.push(await prepareVersion(deps, { ...whole, frame, reading }));
  else {
    const parent = await prepareVersion(deps, { ...whole, frame });
    const derivedFrom = { parents: [parent.version.digest], operation: 'filter' as const, parameters: { where } };
    const { source: _, ...rows } = whole;
    prepared.push(parent, await prepareVersion(deps, { ...rows, frame: kept, derivedFrom, reading }));
  }
  const now = deps.clock.now();
  const recorded = await deps.store.write(
    (tx, versions: readonly PreparedVersion[]) => recordVersions(tx, deps, versions, { now }),
    prepared,
  );
  const { version, created } = recorded[recorded.length - 1];
  return {
    version,
    created,
    violations,
    ...(evidence ? { evidence } : {}),
    summary: summaryOf(version.manifest.rows, kept, created, violations.length),
  };
}

async function readWhole(
  deps: DataDeps,
  { path }: IngestRequest,
  source: {
    readonly format: SourceFormat;
    readonly bytes: Uint8Array;
    readonly file: DatasetFile;
    readonly types: ReturnType<typeof declaredTypes>;
  },
): Promise<{ frame: Frame; evidence?: readonly ColumnEvidence[] }> {
  const { format, bytes, types } = source;
  // DuckDB reads a file: the stored bytes, not the user's file, which may change meanwhile
  const file = format === 'parquet' ? await deps.blobs.localPath((await deps.blobs.put(bytes)).digest) : path;
  return readSource({ name: basename(path), format, bytes, file }, types);
}

/** When the dataset has a version of this very reading whose rows are there, an answer without reading the source. */
async function knownReading(
  deps: DataDeps,
  dataset: string,
  reading: string,
): Promise<((request: IngestRequest) => Promise<Ingested>) | undefined> {
  const version = await deps.store.read((db) => versionOfReading(db, dataset, reading));
  if (!version || !(await deps.blobs.has(asSha256(version.rowsDigest)))) return undefined;
  return async (request) => {
    const frame = await openRows(deps, version);
    checkColumns(frame, request);
    const violations = request.expect ? violationsOf(validateFrame(frame, request.expect)) : [];
    return { version, created: false, violations, summary: summaryOf(frame.rows, frame, false, violations.length) };
  };
}

function filtered(frame: Frame, where: string, name: string): Frame {
  const holds = ruleOn(frame, parseRule(where, frame));
  const kept = filterRows(frame, (row) => holds(row) === true);
  if (kept.rows === 0) {
    throw new GyreError('FAILED_PRECONDITION', `${name}: none of the ${frame.rows} rows meets "${where}"; 0 rows are left`, {
      where,
      rows: frame.rows,
    });
  }
  return kept;
}

function checkColumns(frame: Frame, { key, target }: { readonly key?: string; readonly target?: string }): void {
  if (key !== undefined) frame.column(key);
  if (target !== undefined) checkTarget(frame, target);
}

function summaryOf(rows: number, frame: Frame, created: boolean, violations: number): string {
  const news = created ? 'a new version' : 'the same bytes as before: the same version';
  const against = violations === 0 ? '' : `, ${violations} violation${violations === 1 ? '' : 's'} of the schema`;
  return `${rows} rows, ${frame.names.length} columns; ${news}${against}`;
}
