import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GyreError, messageOf } from '#core';
import type { Cli } from './cli.ts';
import type { Client } from './client.ts';
import { counted } from './verbs/data/in-workspace.ts';
import { progressLine } from './work-progress.ts';

/** Files that are fetched at once. */
const lanes = 8;
/** Files up to here are taken as a whole. */
const wholeBytes = 1024 * 1024;
const incoming = '.gyre-checkout-';

/** A file that the platform keeps, and where it goes. */
export interface FileToPlace {
  /** Below the folder. */
  readonly path: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Below `/api/v1`. */
  readonly address: string;
}

export interface Placing {
  /** Absolute; made when it is not there. */
  readonly folder: string;
  readonly files: readonly FileToPlace[];
  /** Replace files of other content. */
  readonly force: boolean;
}

export interface Placed {
  readonly files: number;
  /** Those that were not there. */
  readonly placed: number;
  /** Bytes of those. */
  readonly bytes: number;
}

/**
 * Puts files into a folder. Each is checked against its digest before it gets its name; what is there already is not fetched again, so that the
 * same call goes on where one was stopped.
 * @throws GyreError FAILED_PRECONDITION when files of other content are in the way, DATA_LOSS naming what could not be had, CANCELLED
 */
export async function placeFiles(cli: Cli, client: Client, { folder, files, force }: Placing): Promise<Placed> {
  const wanted = await lacking(folder, files, force);
  await mkdir(folder, { recursive: true });
  await sweep(folder);
  const scratch = await mkdtemp(join(folder, incoming));
  try {
    await fetchAll(cli, client, { folder, scratch, files: wanted });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return { files: files.length, placed: wanted.length, bytes: wanted.reduce((sum, { size }) => sum + size, 0) };
}

/** The files that are not in the folder yet. Nothing is written through a link, and no path leaves the folder. */
async function lacking(folder: string, files: readonly FileToPlace[], force: boolean): Promise<readonly FileToPlace[]> {
  const wanted: FileToPlace[] = [];
  const inTheWay: string[] = [];
  await inLanes(files, async (file) => {
    const path = placeOf(folder, file.path);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() === true && found.size === file.size && (await sha256Of(path, file.size)) === file.sha256) return;
    if (found !== undefined) inTheWay.push(file.path);
    wanted.push(file);
  });
  if (inTheWay.length === 0 || force) return wanted;
  const shown = `${inTheWay.sort().slice(0, 3).join(', ')}${inTheWay.length > 3 ? ', …' : ''}`;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${counted(inTheWay.length, 'file')} of other content ${inTheWay.length === 1 ? 'is' : 'are'} in ${folder} (${shown}): choose another folder, or give them up with --force`,
    { folder, paths: inTheWay.slice(0, 100) },
  );
}

/** Works on several items at once. */
async function inLanes<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      await work(items[at], at);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** @throws GyreError PERMISSION_DENIED for a path that would leave the folder */
function placeOf(folder: string, path: string): string {
  const place = resolve(folder, path);
  if (place.startsWith(`${folder}${sep}`) && !path.includes('\0')) return place;
  throw new GyreError('PERMISSION_DENIED', `${JSON.stringify(path)} is no path inside of its folder; nothing is written`, { path });
}

/** Whatever killed processes left. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith(incoming)) await rm(join(folder, name), { recursive: true, force: true });
}

async function fetchAll(
  cli: Cli,
  client: Client,
  { folder, scratch, files }: { readonly folder: string; readonly scratch: string; readonly files: readonly FileToPlace[] },
): Promise<void> {
  using progress = progressLine(cli);
  const failed: string[] = [];
  const { signal } = cli.host;
  let [done, bytes] = [0, 0];
  await inLanes(files, async (file, at) => {
    if (signal.aborted) return;
    try {
      await place(client, file, { from: join(scratch, String(at)), to: placeOf(folder, file.path), folder });
    } catch (error) {
      if (!signal.aborted) failed.push(`${file.path}: ${messageOf(error)}`);
      return;
    }
    done += 1;
    bytes += file.size;
    progress.show({ phase: 'placing', files: done, bytes, of: files.length });
  });
  if (cli.host.signal.aborted) throw new GyreError('CANCELLED', 'stopped; the same call goes on from here');
  if (failed.length === 0) return;
  throw new GyreError(
    'DATA_LOSS',
    `${counted(failed.length, 'file')} could not be had, the others are there: ${failed.slice(0, 3).join('; ')}${failed.length > 3 ? '; …' : ''}`,
    { files: failed.slice(0, 100) },
  );
}

async function place(
  client: Client,
  file: FileToPlace,
  { from, to, folder }: { readonly from: string; readonly to: string; readonly folder: string },
): Promise<void> {
  const { address } = file;
  const hash = createHash('sha256');
  if (file.size <= wholeBytes) {
    const bytes = await client.bytes(address);
    hash.update(bytes);
    await writeFile(from, bytes);
  } else {
    await pipeline(
      await client.download(address),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(from),
    );
  }
  if (hash.digest('hex') !== file.sha256) throw new GyreError('DATA_LOSS', 'the bytes that came are not what was recorded');
  await makeFolders(folder, dirname(to));
  const found = await lstat(to).catch(() => undefined);
  if (found?.isDirectory() === true) await rm(to, { recursive: true });
  await rename(from, to);
}

/** The folders of a file, from the outermost one on: none of them may be a link that leads elsewhere. */
async function makeFolders(root: string, folder: string): Promise<void> {
  let each = root;
  for (const part of relative(root, folder).split(sep)) {
    if (part === '') continue;
    each = join(each, part);
    // another lane may make the same folder
    await mkdir(each).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
    if ((await lstat(each)).isDirectory()) continue;
    throw new GyreError('FAILED_PRECONDITION', `${each} is a link or a file: nothing is written through it`, { path: each });
  }
}

async function sha256Of(path: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  if (size <= wholeBytes) return hash.update(await readFile(path)).digest('hex');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
