import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Written anew while somebody uses a copy of a package or an environment; its time says when that was last. */
const mark = '.used';
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** What nobody has used for so long is made anew when it is wanted again. */
export const unusedMs = 30 * dayMs;
/** What is being made, or was cut off. */
const freshPrefix = '.fresh-';

/** Says of folders in the cache that they are in use, now and each hour, until it is disposed. */
export function inUse(folders: readonly string[]): Disposable {
  const say = (): void => {
    for (const folder of folders) void writeFile(join(folder, mark), '').catch(() => undefined);
  };
  say();
  const timer = setInterval(say, hourMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * Removes copies of packages and environments that nobody has used for 30 days, and what was cut off while it was made a day ago or longer.
 * @param now UTC milliseconds
 * @returns how many folders went
 */
export async function removeUnused(cacheFolder: string, now: number): Promise<number> {
  let removed = 0;
  for (const kind of ['packages', 'environments']) {
    const root = join(cacheFolder, kind);
    for (const name of await readdir(root).catch(() => [])) {
      const folder = join(root, name);
      const found = (await stat(join(folder, mark)).catch(() => undefined)) ?? (await stat(folder).catch(() => undefined));
      if (found === undefined || now - found.mtimeMs < (name.startsWith(freshPrefix) ? dayMs : unusedMs)) continue;
      await rm(folder, { recursive: true, force: true });
      removed += 1;
    }
  }
  return removed;
}
