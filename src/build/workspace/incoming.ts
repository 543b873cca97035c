import { mkdirSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder for files on their way to a cache, a remote or a workspace; it goes with all that is in it when the work has ended. */
export interface Incoming extends Disposable {
  /** Absolute. */
  readonly path: string;
}

/** Of work in this very process. */
const open = new Set<string>();
let count = 0;

/**
 * Makes a folder of its own for one piece of work: others go on at the same time, in this process, in others, and in a shared remote on other
 * machines. What killed processes of this machine left is swept away.
 */
export function openIncoming(parent: string): Incoming {
  const folder = join(parent, 'incoming');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (isLeft(folder, name)) rmSync(join(folder, name), { recursive: true, force: true });
  const path = join(folder, `${hostname()}~${process.pid}~${++count}`);
  mkdirSync(path, { recursive: true });
  open.add(path);
  return {
    path,
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
      open.delete(path);
    },
  };
}

/** Removes folders that are empty, each inside of the next. */
export function removeEmpty(path: string, upTo: string): void {
  try {
    for (let each = path; each !== upTo; each = dirname(each)) rmdirSync(each);
  } catch (error) {
    // Somebody else is at work there, or has removed it already.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
  }
}

function isLeft(folder: string, name: string): boolean {
  const [host, pid] = name.includes('~') ? name.split('~') : [hostname(), name];
  if (host !== hostname() || open.has(join(folder, name))) return false;
  return Number(pid) === process.pid || !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
