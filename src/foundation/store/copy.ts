import type { MigrationSet } from './port.ts';

/** A schema of a PostgreSQL database and a SQLite file, one of which gets the rows of the other. */
export interface CopyRows {
  /** `postgres://…` */
  readonly url: string;
  readonly schema: string;
  /** The SQLite file. */
  readonly path: string;
  /** The rooms' migrations: what makes the tables on both sides. */
  readonly sets: readonly MigrationSet[];
  readonly signal: AbortSignal;
}

/**
 * Writes all rows of a PostgreSQL schema into a new SQLite file, as one snapshot has them, while others go on writing. The file is whole when
 * this resolves, and is not flushed.
 * @throws GyreError FAILED_PRECONDITION when its tables are not those of these migrations; ALREADY_EXISTS when the file has rows; CANCELLED
 */
export async function copyToFile(options: CopyRows): Promise<void> {
  const { copyToFile: copy } = await import('./copy-rows.ts');
  return copy(options);
}

/**
 * Writes all rows of a SQLite file, whose tables are brought up to date for that, into an empty PostgreSQL schema, in one transaction.
 * @throws GyreError ALREADY_EXISTS when a table there has rows; FAILED_PRECONDITION for a file of a newer Gyre; CANCELLED
 */
export async function copyFromFile(options: CopyRows): Promise<void> {
  const { copyFromFile: copy } = await import('./copy-rows.ts');
  return copy(options);
}
