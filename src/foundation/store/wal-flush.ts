import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Faults } from '#core';

/**
 * Makes commits durable off the event loop. SQLite itself runs with `synchronous=NORMAL`: COMMIT writes the log and does
 * not wait for the disk; this waits, with fdatasync in the thread pool, before anybody is told. What is acknowledged is as
 * durable as with FULL (see docs/decisions/0007-durable-writes-off-the-event-loop.md).
 */
export class WalFlush {
  readonly #path: string;
  readonly #faults: Faults;
  #log: FileHandle | undefined;

  constructor(databasePath: string, faults: Faults) {
    this.#path = databasePath;
    this.#faults = faults;
  }

  /** Resolves when everything committed before the call is on the disk. */
  async flush(): Promise<void> {
    this.#faults.at('store.fsync');
    if (this.#log === undefined) {
      // Safe beside SQLite: its POSIX locks are on the database and the -shm file, never on the log.
      this.#log = await open(`${this.#path}-wal`, 'r+');
      await this.#log.sync();
      const folder = await open(dirname(this.#path), 'r');
      await folder.sync().finally(() => folder.close());
      return;
    }
    await this.#log.datasync();
  }

  async close(): Promise<void> {
    await this.#log?.close();
    this.#log = undefined;
  }
}
