import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, resolve, sep } from 'node:path';
import { GyreError } from '#core';

/** A video that lies in one of the folders that people may play from. */
export interface ListedVideo {
  /** Its path below the folder. */
  readonly path: string;
  readonly bytes: number;
}

const endings = ['.mp4', '.m4v', '.mov', '.mkv', '.webm', '.avi', '.mpg', '.mpeg', '.ts', '.ogv', '.flv', '.gif', '.mjpeg'];
const mostListed = 500;

/** The videos below some folders, those that are not there left out; links are not followed. */
export async function listVideos(folders: readonly string[]): Promise<readonly ListedVideo[]> {
  const found: ListedVideo[] = [];
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile() || !endings.includes(extname(entry.name).toLowerCase()) || found.length >= mostListed) continue;
      const full = join(entry.parentPath, entry.name);
      found.push({ path: relative(folder, full), bytes: (await stat(full)).size });
    }
  }
  return found.sort((left, right) => (left.path < right.path ? -1 : 1));
}

/**
 * Where a video lies, by its path below one of the folders.
 * @returns its absolute path
 * @throws GyreError NOT_FOUND when none of the folders has it; PERMISSION_DENIED when its path leads out of them, also by a link
 */
export async function confinedVideo(path: string, folders: readonly string[]): Promise<string> {
  let leadsOut = false;
  for (const folder of folders) {
    const root = await realpath(folder).catch(() => undefined);
    if (root === undefined) continue;
    const found = await realpath(resolve(root, path)).catch(() => undefined);
    if (found === undefined) continue;
    if (found.startsWith(root + sep)) return found;
    leadsOut = true;
  }
  if (leadsOut)
    throw new GyreError(
      'PERMISSION_DENIED',
      `"${path.slice(0, 200)}" is not below the folders that videos are played from (setting videoFolders)`,
    );
  throw new GyreError('NOT_FOUND', `there is no video "${path.slice(0, 200)}" in ${folders.join(', ')}`, { folders });
}
