import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SqliteConnection } from './sqlite-connection.ts';

/** So many pages in the log are worth moving: SQLite itself would not wait for more. */
const worthMoving = 1_000;
/** From so many pages on (64 MiB) the log is to begin anew, as soon as little is left to move. */
const mostPages = 16_384;
/** At so many (128 MiB) the writer moves all that is left: the thread cannot keep up. */
const farTooMany = 2 * mostPages;

/**
 * Moves what commits have left in the log into the database file, in a thread: SQLite does it inside a commit, and waits for the disk there.
 * The last step, after which the log begins anew, is the writer's own: only while nobody commits is all of it moved, and by then little is left.
 */
export class Checkpoints implements AsyncDisposable {
  readonly #path: string;
  readonly #writer: SqliteConnection;
  #thread: Worker | undefined;
  #isMoving = false;
  #isOver = false;
  #nextAnew = mostPages;

  /** @param writer makes no checkpoints by itself from here on */
  constructor(path: string, writer: SqliteConnection) {
    this.#path = path;
    this.#writer = writer;
    writer.script('pragma wal_autocheckpoint = 0;');
  }

  /** Looks at the log between two transactions of the writer. */
  look(): void {
    if (this.#isMoving || this.#isOver) return;
    try {
      const { pages, moved } = this.#writer.logState();
      const left = pages - moved;
      if (pages < mostPages) this.#nextAnew = mostPages;
      if (pages >= this.#nextAnew && (left < worthMoving || pages >= farTooMany)) {
        // A long read may keep it from beginning anew: then not again before as much has come as is worth it.
        this.#nextAnew = pages + worthMoving;
        this.#writer.execute('pragma wal_checkpoint(passive)');
      } else if (left >= worthMoving) this.#move();
    } catch {
      // A full disk, or another process that is doing the same: what was not moved stays in the log, and is looked at again.
    }
  }

  #move(): void {
    this.#thread ??= this.#start();
    this.#isMoving = true;
    this.#thread.postMessage('move');
  }

  #start(): Worker {
    const thread = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: { path: this.#path },
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    });
    thread.unref();
    thread.on('message', () => {
      this.#isMoving = false;
    });
    // Without a thread SQLite does it as it always did.
    thread.on('error', () => this.#giveUp());
    thread.on('exit', () => this.#giveUp());
    return thread;
  }

  #giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#thread = undefined;
    this.#writer.script(`pragma wal_autocheckpoint = ${worthMoving};`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    if (this.#thread === undefined) return;
    const ended = once(this.#thread, 'exit');
    this.#thread.ref();
    this.#thread.postMessage('close');
    await ended;
  }
}
