import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { GyreError, digestOf } from '#core';
import type { Client } from '../client.ts';

/** A file on this machine, and the path that it shall have in a package. */
export interface LocalFile {
  readonly path: string;
  readonly file: string;
}

/**
 * The files that words of the command line name: files by their names, folders with what is in them by their paths below them. A single
 * ONNX graph is called `model.onnx`, which is where Gyre looks for it.
 * @throws GyreError NOT_FOUND; INVALID_ARGUMENT when two files would have one path
 */
export async function filesNamed(places: readonly string[]): Promise<readonly LocalFile[]> {
  const found: LocalFile[] = [];
  for (const place of places) {
    const facts = await stat(place).catch(() => {
      throw new GyreError('NOT_FOUND', `there is no file or folder ${place}`, { path: place });
    });
    if (!facts.isDirectory()) {
      found.push({ path: basename(place), file: place });
      continue;
    }
    for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      found.push({ path: relative(place, file).replaceAll(sep, '/'), file });
    }
  }
  const graphs = found.filter(({ path }) => path.endsWith('.onnx'));
  const files = graphs.length === 1 ? found.map((one) => (one === graphs[0] ? { ...one, path: 'model.onnx' } : one)) : found;
  const twice = files.find(({ path }, at) => files.findIndex((one) => one.path === path) !== at);
  if (twice !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `two files would be ${twice.path} in the package: give their folder instead`);
  return files;
}

const uploads = 'model-uploads';

/**
 * Brings files to the server, and does something with them there.
 * @param use told the address that they are at, for as long as it takes
 */
export async function withUploads<T>(client: Client, files: readonly LocalFile[], use: (source: string) => Promise<T>): Promise<T> {
  const listed: { readonly path: string; readonly sha256: string }[] = [];
  for (const { path, file } of files) listed.push({ path, sha256: await sha256Of(file) });
  const folder = `${uploads}/${digestOf(listed)}`;
  const at = `api/2.0/mlflow-artifacts/artifacts/${folder}`;
  try {
    for (const { path, file } of files) {
      await client.upload(`${at}/${path.split('/').map(encodeURIComponent).join('/')}`, await openAsBlob(file));
    }
    return await use(`mlflow-artifacts:/${folder}`);
  } finally {
    // The version keeps its files; what was never registered is not kept.
    await client.discard(at);
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) if (chunk instanceof Uint8Array) hash.update(chunk);
  return hash.digest('hex');
}
