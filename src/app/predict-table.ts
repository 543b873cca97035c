import { availableParallelism } from 'node:os';
import { openObjectStore } from '#blobs';
import type { BatchResult, PredictDeps } from '#batch';
import { systemClock, uuidV7 } from '#core';
import type { PredictFlags } from '#cli';
import { s3Access } from './blobs.ts';
import { faultsFromEnvironment } from './faults.ts';
import { pooledRandomBytes } from './random.ts';
import { settleSettings } from './settings.ts';
import type { PlatformSettings } from './settings.ts';
import { sourceFetcher } from './source-fetcher.ts';

/** How batch predictions reach buckets, databases and the web. */
export function predictDeps(
  settings: Pick<PlatformSettings, 'fetchHosts' | 's3Endpoint' | 's3Region'>,
  environment: PredictDeps['environment'],
): PredictDeps {
  const overrides = {
    ...(settings.s3Endpoint === '' ? {} : { endpoint: settings.s3Endpoint }),
    ...(settings.s3Region === '' ? {} : { region: settings.s3Region }),
  };
  return {
    environment,
    fetch: sourceFetcher(settings, environment),
    openObjects: async (address) => openObjectStore(address, { s3: await s3Access(environment, overrides) }),
  };
}

/** Worker threads for predictions when nobody says how many. */
export const predictWorkers = (): number => Math.max(1, Math.min(8, availableParallelism()));

/** Predicts a table by a model on this disk: no project, no control plane, no record. */
export async function predictTable({ model, request, projectFolder, flags, environment }: PredictFlags): Promise<BatchResult> {
  const { localModel, predictBatch } = await import('#batch');
  const { values } = settleSettings(projectFolder, { flags, environment });
  return predictBatch(
    {
      ...request,
      model: await localModel(model, systemClock),
      workers: request.workers ?? predictWorkers(),
      newId: uuidV7(systemClock, pooledRandomBytes()),
      faults: faultsFromEnvironment(),
    },
    predictDeps(values, environment),
  );
}
