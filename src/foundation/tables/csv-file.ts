import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { GyreError, isGyreError, messageOf } from '#core';
import { csvSurvey, layoutOf, readCsv, settled } from './csv.ts';
import type { CsvLayout, CsvOptions, Surveyed } from './csv.ts';
import { plainRecord, scanRecords, sniffDelimiter } from './csv-scan.ts';
import { csvColumns, csvTable } from './csv-sql.ts';
import type { CsvReading } from './csv-sql.ts';
import { engineError, withDuck } from './duck.ts';
import type { DuckOptions } from './duck.ts';
import type { TableSchema } from './frame.ts';
import type { ColumnEvidence } from './inference.ts';
import { writeParquet } from './parquet.ts';
import { copySql } from './parquet-writer.ts';
import { countRows, parquetAt } from './sql-columns.ts';
import { headOf, lineEndsIn, lookThrough, scanCsvFile } from './text-file.ts';
import type { LineEnds, TextFacts } from './text-file.ts';

/** How a CSV text is written, as it was found or said. */
export interface Dialect {
  readonly delimiter: string;
  readonly decimal: '.' | ',';
  readonly lineEnds: LineEnds;
}

/** A table that was written as Parquet. */
export interface FileRead {
  readonly rows: number;
  readonly schema: TableSchema;
  /** Why each column has its type; absent where the source itself says its types. */
  readonly columns?: readonly ColumnEvidence[];
  /** Of a CSV text. */
  readonly dialect?: Dialect;
}

export interface FileOptions {
  /** A file up to this size is read in memory; a larger one by the engine, in its bounded memory. 64 MiB without it. */
  readonly inMemoryBytes?: number;
  readonly duck?: Omit<DuckOptions, 'threads'>;
}

export const inMemoryBytes = 64 * 2 ** 20;
/** The types of a larger file are settled on so much of its beginning; every value is then held against them. */
const headBytes = 16 * 2 ** 20;

/**
 * Reads a CSV file of any length strictly into a Parquet file: see `readCsv` for what is refused, and how it is named.
 * @param target absolute, the Parquet file that is written
 */
export async function csvFile(path: string, target: string, options: CsvOptions & FileOptions = {}): Promise<FileRead> {
  const { size } = await stat(path);
  if (size <= (options.inMemoryBytes ?? inMemoryBytes)) {
    const bytes = await readFile(path);
    const { frame, columns, delimiter } = readCsv(bytes, options);
    await writeParquet(frame, target, options.duck);
    return { rows: frame.rows, schema: frame.schema, columns, dialect: dialectOf(delimiter, options, lineEndsIn(bytes)) };
  }
  return largeCsv(path, target, options);
}

const dialectOf = (delimiter: string, { decimal = '.' }: CsvOptions, lineEnds: LineEnds): Dialect => ({ delimiter, decimal, lineEnds });

async function largeCsv(path: string, target: string, options: CsvOptions & FileOptions): Promise<FileRead> {
  const what = options.name ?? 'the file';
  const facts = await lookThrough(path, what);
  const { head, isWhole } = await headOf(path, headBytes);
  const part = { line: 1, isEnd: isWhole };
  const delimiter = options.delimiter ?? sniffDelimiter(head, facts.start, what, part);
  const layout = layoutOf(what, delimiter, options);
  const beginning = csvSurvey(layout);
  scanRecords(head, facts.start, delimiter.charCodeAt(0), what, (fields, line) => beginning.record(head, fields, line), part);
  const reading = { path, target, layout, facts, options };
  const schemaOf = (columns: readonly ColumnEvidence[]): TableSchema => columns.map(({ name, type }) => ({ name, type }));
  // what the engine would read otherwise than `readCsv`: then our own scanner looks at every record first
  const began = beginning.end();
  const isPlain = facts.lineEnds !== 'mixed' && !facts.mayHaveBlankLines && began.tallies.every(isSettled);
  const dialect = dialectOf(delimiter, options, facts.lineEnds);
  const found = isPlain ? settledIfRight(what, began, options) : undefined;
  const attempt = found === undefined ? undefined : await copyCsv(reading, path, found, 'checked');
  if (found !== undefined && attempt !== undefined && 'rows' in attempt && attempt.rows >= began.rows)
    return { rows: attempt.rows, schema: schemaOf(found), columns: found, dialect };

  const plain = `${target}.csv`;
  try {
    const whole = await surveyInto(reading, plain);
    const columns = settled(what, whole, options);
    const proven = await copyCsv(reading, plain, columns, 'proven');
    if ('failed' in proven) throw proven.failed;
    if (proven.rows !== whole.rows)
      throw new GyreError('INTERNAL', `${what}: the engine reads ${proven.rows} rows where there are ${whole.rows}`, { path });
    return { rows: proven.rows, schema: schemaOf(columns), columns, dialect };
  } finally {
    await rm(plain, { force: true });
  }
}

/** What is wrong is told by the look at the whole, which knows all of it. */
function settledIfRight(what: string, surveyed: Surveyed, options: CsvOptions): ColumnEvidence[] | undefined {
  try {
    return settled(what, surveyed, options);
  } catch (error) {
    if (isGyreError(error)) return undefined;
    throw error;
  }
}

/** Whether the beginning says anything about a column: one without a value may have any type. */
const isSettled = ({ counts }: Surveyed['tallies'][number]): boolean => counts.slice(1).some((count) => count > 0);

interface LargeCsv {
  readonly path: string;
  readonly target: string;
  readonly layout: CsvLayout;
  readonly facts: TextFacts;
  readonly options: CsvOptions & FileOptions;
}

/** Looks at every record, and writes each as the engine takes it for certain: LF behind it, and a quote only where it is one. */
async function surveyInto({ path, layout, facts }: LargeCsv, plain: string): Promise<Surveyed> {
  const survey = csvSurvey(layout);
  const { delimiter, what } = layout;
  const out = createWriteStream(plain);
  const failed = new Promise<never>((_, fail) => out.once('error', fail));
  failed.catch(() => undefined);
  const pieces: Buffer[] = [];
  await scanCsvFile(
    path,
    { start: facts.start, delimiter, what },
    (bytes, fields, line) => {
      survey.record(bytes, fields, line);
      if (!fields.blank) pieces.push(plainRecord(bytes, fields, delimiter));
    },
    async () => {
      const text = Buffer.concat(pieces.splice(0));
      if (!out.write(text)) await Promise.race([once(out, 'drain'), failed]);
    },
  );
  out.end();
  await Promise.race([finished(out), failed]);
  return survey.end();
}

/** @returns how many rows were written, or what the engine did not like: only then is it worth the time to find the line */
async function copyCsv(
  { target, layout, options }: LargeCsv,
  path: string,
  columns: readonly ColumnEvidence[],
  how: CsvReading,
): Promise<{ readonly rows: number } | { readonly failed: GyreError }> {
  return withDuck({ ...options.duck, threads: 1, files: [path, target] }, async (duck) => {
    const table = csvTable(path, columns.length, layout);
    try {
      await duck.run(copySql(`SELECT ${csvColumns(columns, layout, how)} FROM ${table}`, target));
    } catch (cause) {
      const failed = engineError('INVALID_ARGUMENT', `${layout.what} cannot be read`, cause);
      if (failed.code === 'RESOURCE_EXHAUSTED' && !messageOf(cause).includes('max_line_size')) throw failed;
      return { failed };
    }
    return { rows: await countRows(duck, parquetAt(target)) };
  });
}
