import type { BlobStorage } from '#contract';
import { GyreError, hasCode, systemClock } from '#core';
import { openBlobs } from './blobs.ts';
import { holdDataFolder } from './data-folder.ts';
import { blobsPlaceOf, type SettledSettings } from './settings.ts';

export interface Sealing {
  readonly sealed: number;
  readonly storage: BlobStorage;
}

/**
 * Seals with the first key whatever blobs are in clear or sealed with another one, while nobody else has the data folder.
 * @throws GyreError FAILED_PRECONDITION without a key, or while the platform runs; ABORTED when the signal says so
 */
export async function sealBlobs(
  settings: SettledSettings,
  options: {
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal;
    readonly progress: (sealed: number) => void;
  },
): Promise<Sealing> {
  using folder = hold(settings.dataFolder);
  await using opened = await openBlobs(blobsPlaceOf(settings, folder), { environment: options.environment, clock: systemClock });
  if (opened.sealed === undefined) {
    throw new GyreError('FAILED_PRECONDITION', 'there is no key: give one in GYRE_BLOBS_KEY, such as `openssl rand -base64 32` prints');
  }
  let count = 0;
  // oxlint-disable-next-line no-unused-vars -- each is done when it comes
  for await (const _blob of opened.sealed.sealAll(options.signal)) options.progress(++count);
  return { sealed: count, storage: await opened.storage() };
}

function hold(dataFolder: string): ReturnType<typeof holdDataFolder> {
  try {
    return holdDataFolder(dataFolder, systemClock);
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the platform runs on ${dataFolder}: stop it first, then seal, then start it with the key`,
      {},
      { cause: error },
    );
  }
}
