import { setTimeout as sleep } from 'node:timers/promises';
import { GyreError } from '#core';
import type { Cli } from './cli.ts';
import type { Client } from './client.ts';

/** What goes on on the platform and can be stopped. */
interface Followed {
  readonly state: string;
}

const [firstPollMs, pollMs] = [20, 500];

/**
 * Waits for the end of what was begun and says what it is at; Ctrl-C stops it.
 * @param work.path where it is read, and stopped by DELETE
 * @param work.says what it is at, in a line
 * @param work.stopped what to say when it was stopped
 * @throws GyreError CANCELLED when it was
 */
export async function followWork<T extends Followed>(
  { host, output }: Cli,
  client: Client,
  begun: T,
  work: { readonly path: string; readonly says: (one: T) => string; readonly stopped: string },
): Promise<T> {
  let one = begun;
  let wait = firstPollMs;
  let told = '';
  while (one.state === 'queued' || one.state === 'running') {
    await sleep(wait, undefined, { signal: host.signal }).catch(() => undefined);
    if (host.signal.aborted) {
      const { openClient } = await import('./client.ts');
      await openClient({ ...client.options, signal: AbortSignal.timeout(30_000) }).remove(work.path);
      throw new GyreError('CANCELLED', work.stopped);
    }
    wait = Math.min(pollMs, wait * 2);
    one = await client.get<T>(work.path);
    const now = work.says(one);
    if (now !== told) output.progress(now);
    told = now;
  }
  output.progress('');
  return one;
}
