import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface WorkFolder {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

/** An empty folder for a process, named after the data plane that made it. */
export async function workFolder(cacheFolder: string): Promise<WorkFolder> {
  const root = join(cacheFolder, 'work');
  await mkdir(root, { recursive: true, mode: 0o700 });
  const path = await mkdtemp(join(root, `${process.pid}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }).catch(() => undefined) };
}

/** Removes what data planes left that were killed. */
export async function removeLeftFolders(cacheFolder: string): Promise<void> {
  const root = join(cacheFolder, 'work');
  for (const name of await readdir(root).catch(() => [])) {
    if (!isAlive(Number.parseInt(name, 10))) await rm(join(root, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
