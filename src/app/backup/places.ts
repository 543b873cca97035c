import { join } from 'node:path';
import type { Environment, ObjectStore } from '#blobs';
import type { Clock, Faults } from '#core';
import { openBlobObjects } from '../blobs.ts';
import { blobsPlaceOf, type SettledSettings } from '../settings.ts';

/** What a backup is made of, and restored into. */
export interface BackupWorld {
  readonly settings: SettledSettings;
  /** Says how a bucket is reached. */
  readonly environment: Environment;
  readonly clock: Clock;
  /** Told of every blob that is copied and every file that gets its name. */
  readonly faults: Faults;
}

/** Where the records are: a schema of PostgreSQL, or a file in the data folder. */
export type RecordsPlace = { readonly url: string; readonly schema: string } | { readonly file: string };

export function recordsPlaceOf({ values, dataFolder }: SettledSettings): RecordsPlace {
  if (values.database === '') return { file: join(dataFolder, 'gyre.db') };
  return { url: values.database, schema: values.databaseSchema === '' ? 'gyre' : values.databaseSchema };
}

/** The blobs as they are stored, in a folder or a bucket. */
export function openStoredBlobs({ settings, environment, clock }: Omit<BackupWorld, 'faults'>): Promise<ObjectStore> {
  const { dataFolder } = settings;
  const place = blobsPlaceOf(settings, { blobs: join(dataFolder, 'blobs'), blobCache: join(dataFolder, 'blob-cache') });
  return openBlobObjects(place, { environment, clock });
}
