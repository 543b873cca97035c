/** The thread that moves a log into its database file: see checkpoints.ts. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const { path } = workerData as { readonly path: string };
const database = new DatabaseSync(path, { timeout: 0 });
const move = database.prepare('pragma wal_checkpoint(passive)');

parentPort?.on('message', (word: 'move' | 'close') => {
  if (word === 'close') {
    database.close();
    parentPort?.close();
    return;
  }
  try {
    move.get();
  } catch {
    // A full disk, or another process that is doing the same: what was not moved stays in the log, and is looked at again.
  }
  parentPort?.postMessage('moved');
});
