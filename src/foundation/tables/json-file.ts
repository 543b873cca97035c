import { readFile, stat } from 'node:fs/promises';
import { GyreError } from '#core';
import type { FileOptions, FileRead } from './csv-file.ts';
import { inMemoryBytes } from './csv-file.ts';
import { settled } from './csv.ts';
import type { ReadOptions } from './csv.ts';
import { createFrame } from './frame.ts';
import { MISSING } from './field-values.ts';
import { newTally } from './inference.ts';
import type { ClassTally, ColumnEvidence } from './inference.ts';
import { columnOf, count, parseLine, readJsonLines, scalarOf } from './json-lines.ts';
import type { Scalar } from './json-lines.ts';
import { writeParquet } from './parquet.ts';
import { writeRows } from './rows-writer.ts';
import { eachLine, lookThrough } from './text-file.ts';

const batchRows = 20_000;

/**
 * Reads a JSON Lines file of any length into a Parquet file: see `readJsonLines`. A large one is read twice: for the types, and for the rows.
 * @param target absolute, the Parquet file that is written
 */
export async function jsonFile(path: string, target: string, options: ReadOptions & FileOptions = {}): Promise<FileRead> {
  const what = options.name ?? 'the file';
  if ((await stat(path)).size <= (options.inMemoryBytes ?? inMemoryBytes)) {
    const { frame, columns } = readJsonLines(await readFile(path), options);
    await writeParquet(frame, target, options.duck);
    return { rows: frame.rows, schema: frame.schema, columns };
  }
  const { start } = await lookThrough(path, what);
  const missing = new Set(options.missing?.map((each) => each.trim()));
  const columns = await surveyed(path, { start, what, missing }, options);
  const schema = columns.map(({ name, type }) => ({ name, type }));
  const rows = await writeRows(
    target,
    schema,
    async (add) => {
      let held: Map<string, Scalar | null>[] = [];
      const give = async (): Promise<void> => {
        const built = columns.map(({ name, type, order }) => {
          const values = held.map((record) => record.get(name) ?? null);
          return { name, type, column: columnOf(values, type, order) };
        });
        await add(createFrame(built, held.length));
        held = [];
      };
      await eachRecord(path, { start, what, missing }, (record) => {
        held.push(record);
        return held.length < batchRows ? undefined : give();
      });
      if (held.length > 0) await give();
    },
    options.duck,
  );
  return { rows, schema, columns };
}

interface JsonText {
  readonly start: number;
  readonly what: string;
  readonly missing: ReadonlySet<string>;
}

async function surveyed(path: string, text: JsonText, options: ReadOptions): Promise<ColumnEvidence[]> {
  const tallies = new Map<string, ClassTally>();
  let rows = 0;
  await eachRecord(path, text, (record, line) => {
    rows++;
    for (const [name, value] of record) {
      let tally = tallies.get(name);
      if (tally === undefined) tallies.set(name, (tally = newTally()));
      if (value !== null) count(tally, value, line);
    }
  });
  if (tallies.size === 0) throw new GyreError('INVALID_ARGUMENT', `${text.what} has no record: one JSON object per line is needed`);
  for (const { counts } of tallies.values()) counts[MISSING] = rows - counts.reduce((sum, each) => sum + each, 0);
  return settled(text.what, { names: [...tallies.keys()], rows, tallies: [...tallies.values()] }, options);
}

function eachRecord(
  path: string,
  { start, what, missing }: JsonText,
  take: (record: Map<string, Scalar | null>, line: number) => void | Promise<void>,
): Promise<void> {
  return eachLine(path, start, what, (source, line) => {
    if (source.trim() === '') return undefined;
    const record = new Map<string, Scalar | null>();
    for (const [name, member] of Object.entries(parseLine(source, line, what))) {
      const value = scalarOf(member, name, line, what);
      const isMissing = value === null || (typeof value === 'string' && (value.trim() === '' || missing.has(value.trim())));
      record.set(name, isMissing ? null : value);
    }
    return take(record, line);
  });
}
