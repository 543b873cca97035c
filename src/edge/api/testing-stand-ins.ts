import { openBatches, openBatchSchedules } from '#batch';
import type { Batches, BatchesDeps, BatchSchedules } from '#batch';
import { allowedHosts } from '#blobs';
import type { Access } from '#access';
import type { Actor, Backup } from '#contract';
import { GyreError, isoInstant } from '#core';
import type { Clock } from '#core';
import type { Data } from '#data';
import type { Evaluation } from '#evaluation';
import type { Monitoring } from '#monitoring';
import type { CharterBook, LoadedProject } from '#project';
import { openWebhooks, requireJudged } from '#registry';
import type { Registry, Webhooks } from '#registry';
import { requireMayLater } from './routes/batch-rights.ts';
import { noBrokers, openStreams } from '#streams';
import type { Streams, StreamsDeps } from '#streams';
import { createMetrics } from '#telemetry';
import { readInferRequest, writeInferResponse } from '#oip';
import type { BackupVerbs, LoopVerbs, VideoVerbs } from './port.ts';

/** Webhooks that may tell this machine. */
export function openTestWebhooks(deps: Omit<Parameters<typeof openWebhooks>[0], 'key' | 'hosts' | 'report'>): Promise<Webhooks> {
  return openWebhooks({
    ...deps,
    key: new Uint8Array(32),
    hosts: allowedHosts('127.0.0.1', 'GYRE_WEBHOOK_HOSTS'),
    report: (message) => {
      throw new Error(message);
    },
  });
}

/** Batch predictions that reach nothing but files. */
export function openTestBatches(
  rooms: Pick<BatchesDeps, 'store' | 'events' | 'clock' | 'newId' | 'registry'> & { readonly data: Data },
  folder: string,
  project: { readonly current: () => LoadedProject },
  access: Access,
  actor: Actor,
): { readonly batches: Batches; readonly batchSchedules: BatchSchedules } {
  const predict = { environment: {} };
  const projectFolder = (): string => project.current().folder;
  const batches = openBatches({
    ...rooms,
    folder: `${folder}/batch`,
    projectFolder,
    predict,
    liveIn: () => Promise.resolve(undefined),
    workers: 1,
  });
  const batchSchedules = openBatchSchedules({
    ...rooms,
    batches,
    owner: 'bench',
    actor,
    project: () => project.current().resolved.project,
    projectFolder,
    declared: () => project.current().resolved.serve.batch,
    requireMay: requireMayLater({ access, batches, data: rooms.data, project }),
  });
  return { batches, batchSchedules };
}

function silentTopics(): Awaited<ReturnType<NonNullable<StreamsDeps['openTopics']>>> {
  const nothing = (): Promise<void> => Promise.resolve();
  const sink = {
    publish: (messages: readonly unknown[]) => Promise.resolve(messages.map(() => ({ at: 'stored' as const }))),
    [Symbol.asyncDispose]: nothing,
  };
  const source = {
    take: async (_most: number, signal: AbortSignal) => {
      await new Promise((resolve) => {
        if (signal.aborted) resolve(undefined);
        signal.addEventListener('abort', resolve, { once: true });
      });
      return [];
    },
    acknowledge: nothing,
    keep: nothing,
    lag: () => Promise.resolve(0),
    [Symbol.asyncDispose]: nothing,
  };
  return { source, output: sink, deadLetters: sink };
}

/** Stream predictions of topics to which nothing comes. */
export function openTestStreams(
  rooms: Pick<StreamsDeps, 'store' | 'events' | 'clock' | 'newId' | 'registry'>,
  batches: Pick<Batches, 'versionOf'>,
): Streams {
  return openStreams({
    ...rooms,
    versionOf: (reference) => batches.versionOf(reference),
    brokers: () => Promise.resolve(noBrokers),
    openTopics: () => Promise.resolve(silentTopics()),
    metrics: createMetrics(),
    owner: 'test',
    memberName: () => 'test',
    chance: () => 0.5,
    elapsed: () => performance.now(),
    workers: 1,
    tensors: { decode: readInferRequest, encodeAll: writeInferResponse },
    say: () => undefined,
  });
}

/** Videos are decoded by a process of its own and asked about over HTTP; here there are none. */
export function playedVideos(): VideoVerbs {
  return {
    list: async () => [],
    play: async ({ path }) => {
      throw new GyreError('NOT_FOUND', `there is no video "${path}"`);
    },
  };
}

/** Turns of the loop that go through several rooms, as the composition root joins them; a test names the dataset version by its digest. */
export function turnsOfLoop(rooms: {
  readonly data: Data;
  readonly evaluation: Evaluation;
  readonly registry: Registry;
  readonly monitoring: Pick<Monitoring, 'labelledFrame'>;
  readonly charters: CharterBook;
  readonly loaded: () => LoadedProject;
}): Pick<LoopVerbs, 'compareOnProduction' | 'testVersion'> {
  const { data, evaluation, registry, monitoring, charters, loaded } = rooms;
  return {
    compareOnProduction: async ({ champion, challenger, environment, from, to, metric, by }) => {
      const { frame } = await monitoring.labelledFrame({ environment, endpoint: loaded().resolved.serve.endpoint, from, to });
      const { version } = await data.createFromRows({ dataset: 'churn-production', frame, by });
      const sourceOf = async (id: string) => registry.modelSource(requireJudged(await registry.getById(id), 'a comparison'));
      return evaluation.compare({
        champion: await sourceOf(champion),
        challenger: await sourceOf(challenger),
        dataset: version.digest,
        metric: metric ?? 'accuracy',
      });
    },
    testVersion: async ({ dataset: test = '', target = 'Churn', by, ...asked }) => {
      const charter = await charters.record(loaded().resolved.project, loaded().project.charter, by);
      return registry.testVersion({ ...asked, test, target, charter, by });
    },
  };
}

/** The composition root makes backups; here they are only remembered. */
export function playedBackups(clock: Clock): BackupVerbs {
  let made: Backup[] = [];
  const get = async (id: string): Promise<Backup> => {
    const found = made.find((backup) => backup.id === id);
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `there is no backup ${id}`, { id });
  };
  return {
    list: async () => ({ folder: '/backups', besideData: false, items: made }),
    get,
    start: async ({ keep = Infinity }) => {
      const startedAt = isoInstant(clock.now());
      made = [{ id: startedAt.replaceAll(/[-:.]/g, ''), state: 'whole' as const, startedAt, blobs: 0, bytes: 0 }, ...made].slice(0, keep);
      return made[0];
    },
    verify: async ({ id }) => get(id),
    remove: async ({ id }) => {
      const { id: found } = await get(id);
      made = made.filter((backup) => backup.id !== found);
    },
  };
}
