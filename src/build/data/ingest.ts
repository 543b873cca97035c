import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DatasetIngestion, DatasetVersion, QualityCheck } from '#contract';
import { GyreError, asSha256, digestOf } from '#core';
import type { Tx } from '#store';
import { parquetInfo, scanParquet } from '#tables';
import type { ColumnEvidence } from '#tables';
import { versionOf, versionOfReading } from './data-store.ts';
import { usualMemoryMib } from './memory.ts';
import type { DataDeps, IngestRequest, Ingested } from './port.ts';
import { lastIngestion } from './ingestions/ingestions-store.ts';
import type { KeptIngestion } from './ingestions/ingestions-store.ts';
import type { IngestionPlan, IngestionWork } from './ingestions/running.ts';
import { namedFormat } from './sources/formats.ts';
import { openSource } from './sources/open-source.ts';
import { appendedRows, filteredRows, greatestOf, rowsBeyond } from './sources/rows-of-source.ts';
import { declaredTypes } from './sources/source.ts';
import type { DatasetSource, OpenSource, ReadingSpec, SourceLook, SourceRead } from './sources/source.ts';
import { targetCheck } from './target.ts';
import { validateParquet, violationsOf } from './validate.ts';
import { prepareRowsFile, recordVersions } from './versions.ts';
import type { PreparedVersion, RowsFile } from './versions.ts';

/** A file that changed so shortly before it was looked at may have changed again within the same tick of its clock. */
const settledAfterMs = 2_000;

/** One ingestion on its way. */
interface Course {
  readonly deps: DataDeps;
  readonly request: IngestRequest;
  readonly source: OpenSource;
  readonly reading: ReadingSpec;
  /** The digest of the source's address and of how it is read. */
  readonly how: string;
  readonly going: IngestionWork;
  look: SourceLook;
}

/** See `Data.ingest`. Order matters: check the rows, store the blobs, record versions, events and what came of it in one transaction. */
export function tableIngestion(deps: DataDeps, request: IngestRequest): IngestionPlan<Ingested> {
  const { dataset, expect, dialect, timestamps, by, signal } = request;
  const from = sourceOf(request);
  const source = openSource(deps, from, request.source ?? shownSource(from));
  const reading: ReadingSpec = {
    types: declaredTypes(expect),
    ...(dialect === undefined ? {} : { dialect }),
    ...(timestamps === undefined ? {} : { timestamps }),
    memoryLimitMib: request.memoryLimitMib ?? deps.memoryLimitMib ?? usualMemoryMib,
  };
  const { kind, address, query } = source;
  const how = digestOf({ kind, address, query: query ?? null, ...optionsOf(request, reading) });
  return {
    about: { dataset, kind, address, ...(query === undefined ? {} : { query }), by },
    signal,
    work: async (going) => {
      const course: Course = { deps, request, source, reading, how, going, look: { found: {}, stamp: '' } };
      const folder = await mkdtemp(join(deps.temporary ?? tmpdir(), 'gyre-source-'));
      try {
        return await followCourse(course, folder);
      } finally {
        going.found = course.look.found;
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

function sourceOf({ from, path, format }: IngestRequest): DatasetSource {
  if (from !== undefined) return from;
  if (path !== undefined) return { kind: 'file', path, ...(format === undefined ? {} : { format }) };
  throw new GyreError('INVALID_ARGUMENT', 'nothing says where the rows come from');
}

/** Of a source that has no address of its own to show. */
function shownSource(from: DatasetSource): string {
  return from.kind === 'files' ? join(from.folder, from.pattern) : 'path' in from ? from.path : from.kind;
}

/** How the rows are read, as far as it changes what they are. */
function optionsOf({ where, dialect, timestamps, watermark }: IngestRequest, { types }: ReadingSpec): Readonly<Record<string, unknown>> {
  return {
    types,
    where: where ?? null,
    ...(dialect === undefined ? {} : { dialect: { ...dialect } }),
    ...(timestamps === undefined ? {} : { timestamps }),
    ...(watermark === undefined ? {} : { watermark }),
  };
}

async function followCourse(course: Course, folder: string): Promise<Ingested> {
  const { deps, request, source, reading, how, going } = course;
  going.requireGoing();
  const last = await deps.store.read((db) => lastIngestion(db, request.dataset, how));
  const base = last === undefined ? undefined : await versionStillThere(deps, last.ingestion.version, request.dataset);
  course.look = await source.look(folder, base === undefined ? undefined : last?.ingestion.found);
  const isSame = course.look.isKnown === true || (course.look.stamp !== '' && last?.stamp === course.look.stamp);
  if (last !== undefined && base !== undefined && isSame) {
    return unchanged(course, base, { found: last.ingestion.found, watermark: last.ingestion.watermark });
  }
  const bytes = request.watermark === undefined ? await source.digest?.() : undefined;
  const digest = bytes === undefined ? undefined : digestOf({ file: bytes, ...formatOf(request), ...optionsOf(request, reading) });
  if (bytes !== undefined && digest !== undefined) {
    const known = await deps.store.read((db) => versionOfReading(db, request.dataset, digest));
    if (known && (await deps.blobs.has(asSha256(known.rowsDigest)))) return unchanged(course, known, { found: { sha256: bytes } });
  }
  return readInto(course, folder, { base, last, ...(digest === undefined ? {} : { digest }) });
}

/** What a file's name says of how its bytes are read. */
function formatOf(request: IngestRequest): Readonly<Record<string, string | boolean>> {
  const from = sourceOf(request);
  if (from.kind !== 'file' && from.kind !== 'url') return {};
  const name = from.kind === 'file' ? from.path : /^s3:/i.test(from.address) ? from.address : (URL.parse(from.address)?.pathname ?? '');
  const { format, isGzip, isTabbed } = namedFormat(name, from.format);
  return { format, ...(isGzip ? { gzip: true } : {}), ...(isTabbed ? { tabbed: true } : {}) };
}

async function versionStillThere(
  { store, blobs }: DataDeps,
  digest: string | undefined,
  dataset: string,
): Promise<DatasetVersion | undefined> {
  const version = digest === undefined ? undefined : await store.read((db) => versionOf(db, digest, dataset));
  return version !== undefined && (await blobs.has(asSha256(version.rowsDigest))) ? version : undefined;
}

async function readInto(
  course: Course,
  folder: string,
  known: { readonly base: DatasetVersion | undefined; readonly last: KeptIngestion | undefined; readonly digest?: string },
): Promise<Ingested> {
  const { request, source, reading, deps, going } = course;
  const { watermark: column, where } = request;
  going.requireGoing();
  const since = known.base === undefined ? undefined : known.last?.ingestion.watermark?.to;
  const watermark = column === undefined ? undefined : { column, ...(since === undefined ? {} : { from: since }) };
  const read = await source.read(folder, reading, watermark);
  course.look = { ...course.look, found: { ...course.look.found, ...read.found } };
  if (column !== undefined && since !== undefined && known.base !== undefined) {
    const beyond = read.isBeyond === true ? read : await rowsBeyond(read, column, since);
    return appended(course, { column, from: since, base: known.base, read, beyond, folder });
  }
  const name = basename(source.address);
  if (read.rows === 0) throw new GyreError('FAILED_PRECONDITION', `${name} has a header and 0 rows`, { source: source.address });
  const to = column === undefined ? undefined : await greatestOf(read, column);
  const kept = where === undefined ? read : await filteredRows(read, where, name);
  const violations = await checkRows(kept, request);
  const whole = partsOf(course, read);
  const reading_ = known.digest === undefined ? {} : { reading: known.digest };
  const prepared: PreparedVersion[] = [];
  if (where === undefined) prepared.push(await prepareRowsFile(deps, { ...whole, ...reading_ }, read));
  else {
    const parent = await prepareRowsFile(deps, whole, read);
    const derivedFrom = { parents: [parent.version.digest], operation: 'filter' as const, parameters: { where } };
    const { source: _, ...rows } = whole;
    prepared.push(parent, await prepareRowsFile(deps, { ...rows, derivedFrom, ...reading_ }, kept));
  }
  return recorded(course, prepared, {
    read,
    kept,
    violations,
    ...(column === undefined ? {} : { watermark: markOf(column, undefined, to) }),
  });
}

const markOf = (column: string, from: string | undefined, to: string | undefined): NonNullable<DatasetIngestion['watermark']> => ({
  column,
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
});

function partsOf({ request, source }: Course, read: SourceRead): Parameters<typeof prepareRowsFile>[1] {
  const schema = request.expect ?? { columns: read.schema.map(({ name, type }) => ({ name, type })) };
  const came = read.source === undefined ? {} : { source: read.source };
  return { dataset: request.dataset, schema, ...came, from: source.address, by: request.by };
}

/** New rows become a version of their own, and one with those that were there. */
async function appended(
  course: Course,
  found: {
    readonly column: string;
    readonly from: string;
    readonly base: DatasetVersion;
    readonly read: SourceRead;
    readonly beyond: RowsFile;
    readonly folder: string;
  },
): Promise<Ingested> {
  const { deps, request, source } = course;
  const { column, from, base, read, beyond, folder } = found;
  if (beyond.rows === 0) return unchanged(course, base, { watermark: markOf(column, from, from) });
  const to = await greatestOf(beyond, column);
  const { where } = request;
  const added = where === undefined ? beyond : await filteredRows(beyond, where, basename(source.address));
  const basePath = await deps.blobs.localPath(asSha256(base.rowsDigest), { verify: true });
  const whole = await appendedRows({ path: basePath, ...(await parquetInfo(basePath)) }, added, folder);
  const violations = await checkRows(whole, request);
  const { source: _, ...parts } = partsOf(course, read);
  const addition = await prepareRowsFile(deps, parts, added);
  const derivedFrom = {
    parents: [base.digest, addition.version.digest],
    operation: 'append' as const,
    parameters: { rows: added.rows, watermark: column, from },
  };
  const prepared = [addition, await prepareRowsFile(deps, { ...parts, derivedFrom }, whole)];
  return recorded(course, prepared, { read: { ...read, rows: added.rows }, kept: whole, violations, watermark: markOf(column, from, to) });
}

async function recorded(
  course: Course,
  prepared: readonly PreparedVersion[],
  found: {
    readonly read: SourceRead;
    readonly kept: RowsFile;
    readonly violations: readonly QualityCheck[];
    readonly watermark?: DatasetIngestion['watermark'];
  },
): Promise<Ingested> {
  const { deps } = course;
  const { read, kept, violations, watermark } = found;
  course.going.requireGoing();
  const now = deps.clock.now();
  const { versions, ingestion } = await deps.store.write(async (tx, given: readonly PreparedVersion[]) => {
    const made = await recordVersions(tx, deps, given, { now });
    const { version, created } = made[made.length - 1];
    const kept = await keep(course, tx, {
      outcome: created ? 'new' : 'unchanged',
      version: version.digest,
      rows: version.manifest.rows,
      newRows: read.rows,
      ...(watermark === undefined ? {} : { watermark }),
      ...(read.dialect === undefined ? {} : { dialect: { ...read.dialect } }),
      ...violated(violations),
    });
    return { versions: made, ingestion: kept };
  }, prepared);
  const { version, created } = versions[versions.length - 1];
  const evidence: readonly ColumnEvidence[] | undefined = read.columns;
  const summary = summaryOf(version.manifest.rows, kept.schema.length, created, violations.length);
  return { ingestion, version, created, violations, ...(evidence ? { evidence } : {}), summary };
}

async function unchanged(
  course: Course,
  version: DatasetVersion,
  { found, watermark }: { readonly found?: DatasetIngestion['found']; readonly watermark?: DatasetIngestion['watermark'] },
): Promise<Ingested> {
  const { deps, request } = course;
  course.look = { ...course.look, found: { ...found, ...course.look.found } };
  const path = await deps.blobs.localPath(asSha256(version.rowsDigest), { verify: true });
  const rows = { path, ...(await parquetInfo(path)) };
  const violations = await checkRows(rows, request);
  const outcome = {
    outcome: 'unchanged' as const,
    version: version.digest,
    rows: version.manifest.rows,
    newRows: 0,
    ...(watermark === undefined ? {} : { watermark }),
    ...violated(violations),
  };
  const ingestion = await deps.store.write((tx) => keep(course, tx, outcome), {});
  return {
    ingestion,
    version,
    created: false,
    violations,
    summary: summaryOf(rows.rows, rows.schema.length, false, violations.length),
  };
}

function keep({ how, going, look }: Course, tx: Tx, outcome: Parameters<IngestionWork['keep']>[1]): Promise<DatasetIngestion> {
  const isSettled = look.changedAt === undefined || look.changedAt < going.startedAt - settledAfterMs;
  going.found = look.found;
  return going.keep(tx, outcome, { reading: how, stamp: isSettled ? look.stamp : '' });
}

const violated = (violations: readonly QualityCheck[]): Pick<DatasetIngestion, 'violations'> =>
  violations.length === 0 ? {} : { violations: violations.map(({ message }) => message) };

/** Key and target are columns that can be used, and how the rows stand against the reviewed schema. */
async function checkRows({ path, schema }: RowsFile, { key, target, expect }: IngestRequest): Promise<readonly QualityCheck[]> {
  const names = schema.map(({ name }) => name);
  const absent = [key, target].find((name) => name !== undefined && !names.includes(name));
  if (absent !== undefined) {
    const shown = names
      .slice(0, 20)
      .map((name) => `"${name}"`)
      .join(', ');
    const more = names.length > 20 ? ` and ${names.length - 20} more` : '';
    throw new GyreError('INVALID_ARGUMENT', `no column "${absent}"; the columns are ${shown}${more}`, { column: absent, columns: names });
  }
  if (target !== undefined) {
    const check = targetCheck(target);
    await scanParquet(path, (batch, firstRow) => check.add(batch, firstRow), { columns: [target] });
    check.end();
  }
  return expect === undefined ? [] : violationsOf(await validateParquet(path, expect));
}

function summaryOf(rows: number, columns: number, created: boolean, violations: number): string {
  const news = created ? 'a new version' : 'the same bytes as before: the same version';
  const against = violations === 0 ? '' : `, ${violations} violation${violations === 1 ? '' : 's'} of the schema`;
  return `${rows} rows, ${columns} columns; ${news}${against}`;
}
