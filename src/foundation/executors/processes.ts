import { readFile, readdir } from 'node:fs/promises';

/** Carries the job's folder in its environment, so that what is left of it can be found whatever it did to its process group. */
export const jobMark = 'GYRE_JOB';

/** Sends a signal to a process group; fine when it has gone. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  signalProcess(-leader, signal);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM');
    if (!gone) throw error;
  }
}

/**
 * Kills every process that carries the mark of this job: of a job whose owner died, or children that left its group.
 * Works where there is a /proc (Linux). Elsewhere nobody can tell such a process from a stranger with its number, and none is touched.
 * @returns how many there were
 */
export async function killMarked(folder: string): Promise<number> {
  const names = await readdir('/proc').catch(() => []);
  const mark = `${jobMark}=${folder}`;
  let killed = 0;
  for (const name of names) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    // Not ours to read, or gone meanwhile: then not one of our jobs.
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\u0000').includes(mark)) continue;
    signalProcess(Number(name), 'SIGKILL');
    killed += 1;
  }
  return killed;
}
