import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { SchemaComparison, SchemaInference, TableSchema } from '#contract';
import { GyreError, hasCode } from '#core';
import { readParquet } from '#tables';
import { openBatches, requireColumn } from '../quality/batches.ts';
import type { OpenedRows } from '../quality/batches.ts';
import { namedFormat } from '../sources/formats.ts';
import { readRows } from '../sources/read-file.ts';
import { declaredTypes } from '../sources/source.ts';
import type { ReadingSpec } from '../sources/source.ts';
import { compareRows } from './compare.ts';
import { inferRows, inferenceText } from './infer.ts';
import type { InferenceOptions } from './infer.ts';

/** How a file is read, as gyre.yaml says it of a dataset. */
export type FileReading = Pick<ReadingSpec, 'dialect' | 'timestamps'>;

/**
 * The schema that a data file of any size suggests; nothing of it is kept.
 * @param path absolute @throws GyreError NOT_FOUND, INVALID_ARGUMENT when it cannot be read (with line and column), has no rows or no such key
 */
export async function inferFile(
  path: string,
  { why = false, ...options }: InferenceOptions & { readonly why?: boolean },
  reading: FileReading = {},
): Promise<SchemaInference> {
  return withRows(path, { ...reading, types: {} }, async (opened) => {
    if (options.key !== undefined) requireColumn(opened.batches.schema, options.key);
    const inferred = await inferRows(opened, options);
    return { ...inferred, text: inferenceText(basename(path), inferred, why) };
  });
}

/**
 * How a data file and a reviewed schema differ. It is read with the schema's types, as an ingestion would; where a value is none of them, with
 * the types that it shows itself, so that the difference can be said. @param path absolute
 */
export async function compareFile(
  path: string,
  reviewed: TableSchema,
  options: InferenceOptions,
  reading: FileReading = {},
): Promise<SchemaComparison> {
  const types = declaredTypes(reviewed);
  const texts = Object.fromEntries(Object.entries(types).filter(([, type]) => type === 'string'));
  const compare = (opened: OpenedRows): Promise<SchemaComparison> => compareRows(opened, reviewed, options);
  try {
    return await withRows(path, { ...reading, types }, compare);
  } catch (error) {
    if (!hasCode(error, 'INVALID_ARGUMENT')) throw error;
    return withRows(path, { ...reading, types: texts, mixed: 'string' }, compare);
  }
}

async function withRows<T>(path: string, reading: ReadingSpec, work: (opened: OpenedRows) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-schema-'));
  try {
    const name = basename(path);
    const target = join(folder, 'rows.parquet');
    const { rows } = await readRows({ path, name, named: namedFormat(path), target, folder }, reading);
    if (rows === 0) throw new GyreError('INVALID_ARGUMENT', `${name} has a header and no rows: they suggest nothing`, { name });
    return await work(await openBatches(target, () => readParquet(target), { folder }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
