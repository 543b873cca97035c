import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError } from '#core';
import type { JobStatus, JobStream } from './port.ts';

/** The folder of one job: `status.json`, `stdout`, `stderr`. */
export function jobFolder(dir: string, id: string): string {
  return join(dir, id);
}

export function streamPath(dir: string, id: string, stream: JobStream): string {
  return join(jobFolder(dir, id), stream);
}

/** @throws GyreError ALREADY_EXISTS when the id is in use */
export async function makeJobFolder(dir: string, id: string): Promise<void> {
  try {
    await mkdir(jobFolder(dir, id));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new GyreError('ALREADY_EXISTS', `there is a job "${id}" already`, { id }, { cause: error });
    }
    throw error;
  }
}

/** Written beside and renamed: a status is there whole or not at all. */
export async function writeStatus(dir: string, id: string, status: JobStatus): Promise<void> {
  const path = join(jobFolder(dir, id), 'status.json');
  const file = await open(`${path}.new`, 'w');
  try {
    await file.writeFile(JSON.stringify(status));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** Every job that has a status, oldest first; a folder without one was made by a submit that did not get to its start. */
export async function readJobs(dir: string): Promise<readonly { readonly id: string; readonly status: JobStatus }[]> {
  const jobs: { readonly id: string; readonly status: JobStatus }[] = [];
  for (const id of await readdir(dir)) {
    const text = await readFile(join(jobFolder(dir, id), 'status.json'), 'utf8').catch(() => undefined);
    if (text === undefined) await removeJob(dir, id);
    // Our own file, written whole by `writeStatus`.
    else jobs.push({ id, status: JSON.parse(text) as JobStatus });
  }
  return jobs.toSorted((left, right) => left.status.startedAt - right.status.startedAt || (left.id < right.id ? -1 : 1));
}

export async function removeJob(dir: string, id: string): Promise<void> {
  await rm(jobFolder(dir, id), { recursive: true, force: true });
}
