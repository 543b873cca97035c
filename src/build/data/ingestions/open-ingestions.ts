import { GyreError, isoInstant } from '#core';
import type { DatasetIngestion } from '#contract';
import { filesIngestion } from '../file-sets/ingest-files.ts';
import type { ImageIngested } from '../image-sets/image-port.ts';
import { imageIngestion } from '../image-sets/ingest-images.ts';
import { tableIngestion } from '../ingest.ts';
import type { DataDeps, Ingested } from '../port.ts';
import { judgeQuality } from '../quality/judge-quality.ts';
import { ingestionOf, keepIngestion, listIngestions, openIngestions as abandonedOf } from './ingestions-store.ts';
import type { Ingestions, IngestionRequest } from './port.ts';
import type { RunningIngestion, RunningIngestions } from './running.ts';

type Given = Ingested | ImageIngested;
/** What ended ones gave is remembered for whoever comes late to wait. */
const mostEnded = 20;

/** See `Ingestions`. */
export function openIngestions(deps: DataDeps, running: RunningIngestions): Ingestions {
  const { store, clock } = deps;
  const started = new Map<string, RunningIngestion<Given>>();
  const begin = ({ table, images, files, quality }: IngestionRequest): Promise<RunningIngestion<Given>> => {
    const judge = async ({ version, created }: Given): Promise<void> => {
      if (created && quality !== undefined) await judgeQuality(deps, version.digest, quality);
    };
    if (images !== undefined) return running.begin<Given>(imageIngestion(deps, images), judge);
    return running.begin<Given>(files === undefined ? tableIngestion(deps, table) : filesIngestion(deps, files), judge);
  };
  const get = async (id: string): Promise<DatasetIngestion> => {
    const found = running.get(id)?.record() ?? (await store.read((db) => ingestionOf(db, id)));
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `there is no ingestion "${id}"; \`gyre data ingestions\` lists them`, { id });
  };
  return {
    start: async (request) => {
      const one = await begin(request);
      started.set(one.id, one);
      for (const old of [...started.keys()].slice(0, Math.max(0, started.size - mostEnded)))
        if (running.get(old) === undefined) started.delete(old);
      return one.record();
    },
    wait: async (id) => {
      const found = started.get(id);
      if (found === undefined) throw new GyreError('NOT_FOUND', `no ingestion "${id}" was begun here lately`, { id });
      return found.ended;
    },
    get,
    list: async ({ dataset, limit = 100, after } = {}) => {
      const before = after === undefined ? undefined : Number(after);
      if (before !== undefined && !Number.isSafeInteger(before))
        throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token`, { after });
      const found = await store.read((db) => listIngestions(db, dataset, limit + 1, before));
      const items = found.slice(0, limit);
      return {
        items: items.map(({ ingestion }) => running.get(ingestion.id)?.record() ?? ingestion),
        ...(found.length > limit ? { next: String(items[items.length - 1].position) } : {}),
      };
    },
    cancel: async (id) => {
      running.get(id)?.cancel();
      return get(id);
    },
    watch: (tell) => running.watch(tell),
    endAbandoned: async () => {
      const left = (await store.read(abandonedOf)).filter(({ ingestion }) => running.get(ingestion.id) === undefined);
      const finishedAt = isoInstant(clock.now());
      for (const { ingestion, ...marks } of left) {
        const error = 'the platform ended while it went on; ingest again, and what was read is not read again';
        await store.write(keepIngestion, { ingestion: { ...ingestion, outcome: 'failed', error, finishedAt }, ...marks });
      }
      return left.length;
    },
    [Symbol.asyncDispose]: async () => {
      const left = running.all();
      for (const one of left) one.cancel();
      await Promise.allSettled(left.map(({ ended }) => ended));
    },
  };
}
