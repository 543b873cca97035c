import { GyreError, noFaults } from '#core';
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
 * Opens the metadata database that the URL names. Backends are loaded when they are asked for: start-up pays for one.
 * @throws GyreError INVALID_ARGUMENT for a URL of another kind, UNAVAILABLE when it cannot be reached, DATA_LOSS when the file is no database
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { url, faults = noFaults } = options;
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) {
    const { SqliteStore } = await import('./sqlite-store.ts');
    const limit = options.maxSizeBytes === undefined ? {} : { maxSizeBytes: options.maxSizeBytes };
    return new SqliteStore({ path: url.slice('sqlite:'.length), faults, ...limit });
  }
  if (/^postgres(ql)?:\/\//.test(url)) {
    const { PostgresStore } = await import('./postgres-store.ts');
    return PostgresStore.open({ url, schema: options.schema ?? 'gyre', faults });
  }
  throw new GyreError(
    'INVALID_ARGUMENT',
    `"${withoutPassword(url)}" names no store: sqlite:<path> or postgres://<user>@<host>/<database> is needed`,
  );
}

function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@');
}
