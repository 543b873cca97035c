import { link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { GyreError, messageOf } from '#core';
import { joinParquet, writeRowsText } from '#tables';
import { keepRecord, readRecord, settle } from '../durable.ts';
import type { OpenOutput } from './output.ts';

/** One file: written whole in the work folder, then given its name. */
export const openFileOutput: OpenOutput<'file'> = ({ path, format, isPlain = false }, existing) => ({
  address: path,
  isPlain: isPlain || format !== 'parquet',
  isJoined: true,
  prepare: async () => {
    await requireFolder(path);
    if (existing === 'append')
      throw new GyreError('INVALID_ARGUMENT', 'rows are appended to tables of databases alone: replace the file, or write another');
    const there = await statOf(path);
    if (there?.isDirectory() === true)
      throw new GyreError('ALREADY_EXISTS', `${path} is a folder: with a slash at its end it is written as one`, { path });
    if (there !== undefined && existing === 'refuse') throw alreadyThere(path);
  },
  isPublished: async ({ plan, work }) => {
    const noted = await readRecord(join(work, 'published.json'));
    const there = await statOf(path);
    return there !== undefined && isDeepStrictEqual(noted, { plan, inode: String(there.ino), size: String(there.size) });
  },
  publish: async ({ plan, parts, work, memoryLimitMib, faults, rows, done }) => {
    const options = { memoryLimitMib, spillFolder: work };
    const files = parts.map((part) => join(part, 'rows.parquet'));
    const whole = join(work, 'whole.parquet');
    faults.at('file.write');
    await joinParquet(whole, files, options);
    let made = whole;
    if (format !== 'parquet') {
      made = join(work, `whole.${format}`);
      await writeRowsText(made, whole, format, options);
    }
    done(rows);
    const { ino, size } = await stat(made);
    await keepRecord(join(work, 'published.json'), { plan, inode: String(ino), size: String(size) }, faults);
    await settle(made, path, faults);
  },
});

/** A folder of Parquet files: put together in the work folder, then given its name. `_SUCCESS` stands in it, as other tools write it. */
export const openFolderOutput: OpenOutput<'folder'> = ({ path, partitionBy }, existing) => ({
  address: path,
  isPlain: false,
  isJoined: false,
  ...(partitionBy === undefined ? {} : { partitionBy }),
  prepare: async () => {
    await requireFolder(path);
    if (existing === 'append')
      throw new GyreError('INVALID_ARGUMENT', 'rows are appended to tables of databases alone: replace the folder, or write another');
    const there = await statOf(path);
    if (there === undefined) return;
    if (!there.isDirectory()) throw new GyreError('ALREADY_EXISTS', `${path} is a file; a folder is to be written`, { path });
    if ((await readdir(path)).length === 0) return;
    if (existing === 'refuse') throw alreadyThere(path);
    // what nobody marked as an output may be anything: a home folder, say
    if ((await statOf(join(path, '_SUCCESS'))) === undefined)
      throw new GyreError(
        'ALREADY_EXISTS',
        `${path} holds files and no _SUCCESS, so it is no output that may be replaced: empty it yourself`,
        { path },
      );
  },
  isPublished: async ({ plan }) => {
    const marker = await readRecord(join(path, '_SUCCESS')).catch(() => undefined);
    return typeof marker === 'object' && marker !== null && 'plan' in marker && marker.plan === plan;
  },
  publish: async ({ plan, rows, parts, work, faults, done }) => {
    const ready = join(work, 'ready');
    await mkdir(ready, { recursive: true });
    for (const [at, part] of parts.entries()) await linkFiles(part, ready, at, partitionBy !== undefined);
    await keepRecord(join(ready, '_SUCCESS'), { plan, rows }, faults);
    done(rows);
    if ((await statOf(path)) !== undefined) {
      const old = join(work, 'old');
      await rm(old, { recursive: true, force: true });
      faults.at('file.rename');
      await rename(path, old);
    }
    await settle(ready, path, faults);
  },
});

/** By another name for the same bytes: the part stays as it is for whatever else is written from it. */
async function linkFiles(part: string, ready: string, at: number, isTree: boolean): Promise<void> {
  for (const { from, name } of await filesOf(part, at, isTree)) {
    const to = join(ready, name);
    await mkdir(dirname(to), { recursive: true });
    await link(from, to).catch((error: unknown) => {
      // linked before the process died
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
  }
}

/** The files of a part with the names that they have in an output of many. */
export async function filesOf(part: string, at: number, isTree: boolean): Promise<{ readonly from: string; readonly name: string }[]> {
  if (!isTree) return [{ from: join(part, 'rows.parquet'), name: `part-${String(at).padStart(5, '0')}.parquet` }];
  const tree = join(part, 'tree');
  // a part without rows has no tree
  const entries = (await statOf(tree)) === undefined ? [] : await readdir(tree, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.parquet'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((from) => ({ from, name: from.slice(tree.length + 1) }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  if ((await statOf(folder))?.isDirectory() !== true)
    throw new GyreError('NOT_FOUND', `there is no folder ${folder} for the output`, { path });
}

async function statOf(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw new GyreError('PERMISSION_DENIED', `${path}: ${messageOf(error)}`, { path }, { cause: error });
  }
}

const alreadyThere = (path: string): GyreError =>
  new GyreError('ALREADY_EXISTS', `${path} is there already: --replace replaces it when the new one is whole`, { path });
