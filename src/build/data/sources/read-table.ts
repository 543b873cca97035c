import { basename, join } from 'node:path';
import type { DatasetIngestion } from '#contract';
import { publicAddress } from '#blobs';
import { digestOf, GyreError, hasCode } from '#core';
import { resolveReferences } from '#project';
import { csvFile, jsonFile } from '#tables';
import type { ColumnType, FileRead } from '#tables';
import type { DataDeps } from '../port.ts';
import { changedError, standingOf } from './file-standing.ts';
import { namedFormat } from './formats.ts';
import type { NamedFormat } from './formats.ts';
import { gunzipFile } from './gunzip.ts';
import { openExcel } from './read-excel.ts';
import { readFilesTable, standingOfFiles } from './read-files.ts';
import { openMysql } from './read-mysql.ts';
import { openPostgres } from './read-postgres.ts';
import { openSqlite } from './read-sqlite.ts';
import type { DatasetSource, ReadingSpec } from './source.ts';

/** How a source stood when it was read; kept to ask later whether it still stands so. */
export interface TableStanding {
  /** Empty where nothing tells, as of a query of a server. */
  readonly stamp: string;
  readonly found?: DatasetIngestion['found'];
}

/** The rows of a source as they are, nothing recorded. */
export interface TableRead extends TableStanding {
  /** The Parquet file that holds them: the source itself, or one in the folder that was given. */
  readonly path: string;
  /** Columns whose values came without types (all of a CSV): they may be strings only because some value among them is no number. */
  readonly untyped: readonly string[] | 'all';
}

export interface TableReading extends Pick<ReadingSpec, 'dialect' | 'timestamps' | 'memoryLimitMib'> {
  /** Columns that are texts, whatever they look like. */
  readonly texts: readonly string[];
  /** Columns that are read as texts when a value in them is none of its column's type. */
  readonly lenient: readonly string[];
}

export type TableDeps = Pick<DataDeps, 'fetch' | 'environment'>;

/** Where rows come from as records may say it: without secrets. */
export function publicSource(source: DatasetSource): string {
  switch (source.kind) {
    case 'file':
    case 'excel':
    case 'sqlite':
      return source.path;
    case 'files':
      return join(source.folder, source.pattern);
    case 'url': {
      const url = /^s3:/i.test(source.address) ? null : URL.parse(source.address);
      return url === null ? source.address : publicAddress(url);
    }
    case 'postgres':
    case 'mysql': {
      const url = URL.parse(source.address);
      return url === null ? source.kind : `${source.kind}://${url.host}${url.pathname}`;
    }
  }
}

/**
 * Whether a source stands as it stood when it was read. A query of a server cannot tell: it counts as standing.
 * @param folder absolute, for what has to be fetched to tell @throws GyreError as `readTable`
 */
export async function standsAsRead(deps: TableDeps, source: DatasetSource, before: TableStanding, folder: string): Promise<boolean> {
  switch (source.kind) {
    case 'file':
    case 'excel':
    case 'sqlite':
      return (await standingOf(source.path)).stamp === before.stamp;
    case 'files':
      return (await standingOfFiles(source.folder, source.pattern)) === before.stamp;
    case 'url': {
      if (before.found === undefined) return false;
      return !(await fetched(deps, source, join(folder, 'fetched-again'), before.found)).isNew;
    }
    case 'postgres':
    case 'mysql':
      return true;
  }
}

/**
 * Reads the rows of a source, without recording anything: a Parquet file is read where it lies, anything else into a file of the folder.
 * @param folder absolute, for files on the way
 * @throws GyreError NOT_FOUND, INVALID_ARGUMENT (with line and column: see `csvFile`), ABORTED when it changed while it was read, and what
 * databases and addresses answer
 */
export async function readTable(deps: TableDeps, source: DatasetSource, folder: string, reading: TableReading): Promise<TableRead> {
  const spec: ReadingSpec = {
    types: typesOf(reading.texts),
    mixed: 'string',
    ...(reading.dialect === undefined ? {} : { dialect: reading.dialect }),
    ...(reading.timestamps === undefined ? {} : { timestamps: reading.timestamps }),
    ...(reading.memoryLimitMib === undefined ? {} : { memoryLimitMib: reading.memoryLimitMib }),
  };
  const settled = (text: string): string => resolveReferences(text, deps.environment ?? {});
  switch (source.kind) {
    case 'file': {
      const { stamp } = await standingOf(source.path);
      const named = namedFormat(source.path, source.format);
      const read = await fileRows(source.path, basename(source.path), named, folder, spec, reading.lenient);
      if ((await standingOf(source.path)).stamp !== stamp) throw changedError(basename(source.path));
      return { ...read, stamp };
    }
    case 'files': {
      const stamp = await standingOfFiles(source.folder, source.pattern);
      const path = await readFilesTable(source, folder, reading.memoryLimitMib);
      if ((await standingOfFiles(source.folder, source.pattern)) !== stamp) throw changedError(source.pattern);
      return { path, untyped: [], stamp };
    }
    case 'url': {
      const name = (/^s3:/i.test(source.address) ? source.address : (URL.parse(source.address)?.pathname ?? '')).split('/').at(-1) ?? '';
      const path = join(folder, 'fetched');
      const got = await fetched(deps, { ...source, address: settled(source.address) }, path, undefined);
      if (!got.isNew) throw new GyreError('INTERNAL', 'a source that was not known is said to be known');
      const read = await fileRows(path, name, namedFormat(name, source.format), folder, spec, reading.lenient);
      return { ...read, stamp: digestOf(got.version), found: got.version };
    }
    case 'postgres':
      return { ...(await openPostgres({ ...source, address: settled(source.address) }).read(folder, spec)), untyped: [], stamp: '' };
    case 'mysql':
      return { ...(await openMysql({ ...source, address: settled(source.address) }).read(folder, spec)), untyped: [], stamp: '' };
    case 'sqlite': {
      const { stamp } = await standingOf(source.path);
      const { path } = await openSqlite(source, basename(source.path)).read(folder, spec);
      return { path, untyped: 'all', stamp };
    }
    case 'excel': {
      const { stamp } = await standingOf(source.path);
      const { path } = await openExcel(source, basename(source.path)).read(folder, spec);
      return { path, untyped: 'all', stamp };
    }
  }
}

const typesOf = (texts: readonly string[]): Record<string, ColumnType> =>
  Object.fromEntries(texts.map((name) => [name, 'string' as const]));

async function fetched(
  { fetch, environment = {} }: TableDeps,
  { address }: Extract<DatasetSource, { kind: 'url' }>,
  path: string,
  known: DatasetIngestion['found'] | undefined,
): Promise<Awaited<ReturnType<NonNullable<DataDeps['fetch']>>>> {
  if (fetch === undefined) throw new GyreError('FAILED_PRECONDITION', 'nothing can be fetched here: nothing says what may be');
  const { etag, lastModified, size } = known ?? {};
  const version = {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(size === undefined ? {} : { size }),
  };
  return fetch(resolveReferences(address, environment), path, etag === undefined && lastModified === undefined ? {} : { known: version });
}

async function fileRows(
  path: string,
  name: string,
  { format, isGzip, isTabbed }: NamedFormat,
  folder: string,
  { types, dialect = {}, timestamps, memoryLimitMib }: ReadingSpec,
  lenient: readonly string[],
): Promise<Pick<TableRead, 'path' | 'untyped'>> {
  if (format === 'parquet') return { path, untyped: [] };
  const target = join(folder, 'rows.parquet');
  let from = path;
  if (isGzip) {
    from = join(folder, 'unpacked');
    await gunzipFile(path, from, name);
  }
  const { missing, delimiter = isTabbed ? ('\t' as const) : undefined, decimal } = dialect;
  const read = (columnTypes: Readonly<Record<string, ColumnType>>): Promise<FileRead> => {
    const options = {
      name,
      types: columnTypes,
      absent: 'ignore' as const,
      mixed: 'string' as const,
      duck: { spillFolder: folder, ...(memoryLimitMib === undefined ? {} : { memoryLimitMib }) },
      ...(missing === undefined ? {} : { missing }),
      ...(timestamps === undefined ? {} : { timestamps }),
    };
    if (format === 'jsonl') return jsonFile(from, target, options);
    return csvFile(from, target, {
      ...options,
      ...(delimiter === undefined ? {} : { delimiter }),
      ...(decimal === undefined ? {} : { decimal }),
    });
  };
  let mixed: readonly string[];
  try {
    const { columns = [] } = await read(types);
    mixed = columns.filter((column) => column.mixed !== undefined).map((column) => column.name);
  } catch (error) {
    // The types of a long file are settled by its beginning. A value far behind that is none of its column's type is for whoever uses the
    // column to refuse, with its row; the others are read.
    if (!hasCode(error, 'INVALID_ARGUMENT') || lenient.length === 0) throw error;
    await read({ ...types, ...typesOf(lenient) });
    mixed = lenient;
  }
  return { path: target, untyped: format === 'csv' ? 'all' : mixed };
}
