import { watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Some file systems tell nobody about changes: then this often we look ourselves. */
const lookMs = 500;
const pieceBytes = 64 * 1024;

/**
 * The bytes of a file that grows.
 * @param ended the job's end: what is there by then is all; absent: what is there now
 */
export async function* follow(
  path: string,
  from: number,
  ended: Promise<unknown> | undefined,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  let over = ended === undefined;
  let change = Promise.withResolvers<void>();
  const wake = (): void => {
    change.resolve();
    change = Promise.withResolvers<void>();
  };
  const watcher = over ? undefined : watch(path, wake);
  void ended?.then(() => {
    over = true;
    wake();
  });
  signal?.addEventListener('abort', wake);
  try {
    for (let position = from; signal?.aborted !== true;) {
      const changed = change.promise;
      const last = over;
      const { bytesRead, buffer } = await file.read(new Uint8Array(pieceBytes), 0, pieceBytes, position);
      position += bytesRead;
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      else if (last) return;
      else await changedOrLater(changed);
    }
  } finally {
    signal?.removeEventListener('abort', wake);
    watcher?.close();
    await file.close();
  }
}

async function changedOrLater(changed: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([changed, sleep(lookMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
}
