import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GyreError } from '#core';

/*
 * Files as MLflow's file store reads them (mlflow/store/tracking/file_store.py, store/model_registry/file_store.py).
 */

type Scalar = string | number | null;
type Meta = Readonly<Record<string, Scalar | Readonly<Record<string, string>>>>;

/** What PyYAML takes for no text unless it is escaped. */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** `meta.yaml`: each value as JSON, which YAML 1.1 reads as the same value whatever the text looks like. */
export function metaText(meta: Meta): string {
  const written = (value: unknown): string =>
    JSON.stringify(value).replaceAll(unprintable, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return Object.entries(meta)
    .map(([key, value]) => `${key}: ${written(value)}\n`)
    .join('');
}

/** A value of a metric as Python reads it. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? 'inf' : '-inf';
}

/**
 * The path of a key below a folder: `loss/train` is a file in a folder.
 * @throws GyreError INVALID_ARGUMENT for a key that is no path below it
 */
export function keyPath(folder: string, key: string): string {
  const names = key.split('/');
  if (key.includes('\0') || key.includes('\\') || names.some((name) => name === '' || name === '.' || name === '..' || name.length > 255))
    throw new GyreError('INVALID_ARGUMENT', `"${key.slice(0, 200)}" cannot be the name of a file`);
  return join(folder, ...names);
}

/** Writes a file with the folders above it. @throws GyreError INVALID_ARGUMENT where a folder or file of that name stands in its way */
export async function putText(path: string, text: string): Promise<void> {
  await clearly(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'w' });
  });
}

export async function putStream(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  await clearly(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    await pipeline(Readable.from(bytes), createWriteStream(path));
  });
}

async function clearly(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST')
      throw new GyreError('INVALID_ARGUMENT', `${path} is taken: one name is the beginning of another`, {}, { cause: error });
    throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Fills a folder under another name, and gives it its own at the end: a folder that is there is whole. */
export async function wholeFolder(folder: string, fill: (under: string) => Promise<void>): Promise<void> {
  const parts = `${folder}.part`;
  await rm(parts, { recursive: true, force: true });
  await mkdir(parts, { recursive: true });
  await fill(parts);
  await rename(parts, folder);
}
