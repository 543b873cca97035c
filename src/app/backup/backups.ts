import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BackupVerbs } from '#api';
import { eventType } from '#contract';
import type { Backup, BackupList } from '#contract';
import { GyreError, isoInstant, messageOf } from '#core';
import type { Events } from '#events';
import type { Store } from '#store';
import { backUp } from './backup.ts';
import { holdBackups, listBackups } from './layout.ts';
import type { BackupWorld } from './places.ts';
import { removeBackup } from './remove.ts';
import { verifyBackup } from './verify.ts';

export interface BackupsDeps extends BackupWorld {
  /** Absolute. */
  readonly folder: string;
  readonly store: Store;
  readonly events: Pick<Events, 'publish'>;
}

/** What is under way, one at a time. */
interface Job {
  readonly id: string;
  readonly state: 'running' | 'verifying';
  readonly stop: AbortController;
  done: number;
  ended: Promise<void>;
}

/** The backups that a platform makes while it runs, into the folder of its settings. */
export function openBackups(deps: BackupsDeps): BackupVerbs & AsyncDisposable {
  const { folder, clock, store, events } = deps;
  const failed = new Map<string, string>();
  let job: Job | undefined;

  const requireIdle = (): void => {
    if (job !== undefined) throw new GyreError('ABORTED', `backup ${job.id} is ${job.state}: wait until that ends`);
  };
  const shown = (backup: Backup): Backup => {
    if (job?.id === backup.id) return { ...backup, state: job.state, ...(job.state === 'running' ? { blobs: job.done } : {}) };
    const error = failed.get(backup.id);
    if (error === undefined) return backup;
    return { ...backup, error, ...(backup.state === 'cut_off' ? { state: 'failed' } : {}) };
  };
  const all = async (): Promise<readonly Backup[]> => (await listBackups(folder)).map(shown);
  const find = async (id: string): Promise<Backup> => {
    const found = (await all()).find((backup) => backup.id === id);
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `there is no backup ${id} in ${folder}`, { id });
  };
  const tell = (publish: (tx: Parameters<Events['publish']>[0]) => void): Promise<void> =>
    store.write(async (tx) => publish(tx), undefined);
  /** Never rejects: how it ended is on the disk, or in `failed`. */
  const run = (id: string, state: Job['state'], work: (job: Job) => Promise<void>): void => {
    const begun: Job = { id, state, stop: new AbortController(), done: 0, ended: Promise.resolve() };
    job = begun;
    failed.delete(id);
    begun.ended = work(begun)
      .catch((error: unknown) => void failed.set(id, messageOf(error)))
      .finally(() => {
        job = undefined;
      });
  };

  return {
    list: async () => {
      const found = await describeBackups(folder, deps.settings.dataFolder);
      return { ...found, items: found.items.map(shown) };
    },
    get: find,
    start: async ({ keep, by }) => {
      requireIdle();
      const begun = Promise.withResolvers<string>();
      run('', 'running', async (own) => {
        try {
          const record = await backUp(deps, {
            folder,
            signal: own.stop.signal,
            ...(keep === undefined ? {} : { keep }),
            progress: (copied) => {
              own.done = copied;
            },
            begun: (id) => {
              job = Object.assign(own, { id });
              begun.resolve(id);
            },
          });
          const { id, blobs, bytes } = record;
          await tell((tx) =>
            events.publish(tx, { subject: id, actor: by.identity, type: eventType('backup.made'), data: { id, blobs, bytes } }),
          );
        } catch (error) {
          begun.reject(error);
          if (own.id !== '') failed.set(own.id, messageOf(error));
        }
      });
      return find(await begun.promise);
    },
    verify: async ({ id, by }) => {
      requireIdle();
      const { state } = await find(id);
      if (state !== 'whole' && state !== 'damaged')
        throw new GyreError('FAILED_PRECONDITION', `backup ${id} is ${state}: only a whole one can be checked`, { id });
      requireIdle();
      run(id, 'verifying', async (own) => {
        const { damaged } = await verifyBackup({
          folder,
          id,
          clock,
          signal: own.stop.signal,
          progress: (read) => {
            own.done = read;
          },
        });
        const data = { id, damaged: damaged.length };
        await tell((tx) => events.publish(tx, { subject: id, actor: by.identity, type: eventType('backup.verified'), data }));
      });
      return find(id);
    },
    remove: async ({ id, by }) => {
      requireIdle();
      await find(id);
      {
        using _held = await holdBackups(folder);
        await removeBackup(folder, id);
      }
      await tell((tx) => events.publish(tx, { subject: id, actor: by.identity, type: eventType('backup.removed'), data: { id } }));
    },
    [Symbol.asyncDispose]: async () => {
      job?.stop.abort(new GyreError('CANCELLED', `the platform was stopped at ${isoInstant(clock.now())}`));
      await job?.ended;
    },
  };
}

/** The backups in a folder, as they are on the disk. */
export async function describeBackups(folder: string, dataFolder: string): Promise<BackupList> {
  return { folder, besideData: await onOneDisk(folder, dataFolder), items: [...(await listBackups(folder))] };
}

/** Whether two folders are on one disk; one that is not there yet counts as what it will stand in. */
async function onOneDisk(one: string, other: string): Promise<boolean> {
  return (await deviceOf(one)) === (await deviceOf(other));
}

async function deviceOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined && dirname(path) !== path ? deviceOf(dirname(path)) : (found?.dev ?? 0);
}
