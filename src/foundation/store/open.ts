import { GyreError } from '#core';
import type { Faults } from '#core';
import type { Store } from './port.ts';

export interface StoreOptions {
  /** `sqlite:<path>`, `sqlite::memory:` (a private temporary database, gone when closed) or `postgres://…`. */
  readonly url: string;
  /** PostgreSQL: the schema that holds all tables, made when missing. Default `gyre`. */
  readonly schema?: string;
  /** SQLite: how large the database may grow; writes beyond it are refused with RESOURCE_EXHAUSTED. */
  readonly maxSizeBytes?: number;
  readonly faults?: Faults;
}

/**
 * Opens the metadata database that the URL names.
 * @throws GyreError INVALID_ARGUMENT for a URL of another kind, UNAVAILABLE when it cannot be reached, DATA_LOSS when the file is no database
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  throw new GyreError('UNIMPLEMENTED', `no store for ${options.url} yet`);
}
