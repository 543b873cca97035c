import { setTimeout as sleep } from 'node:timers/promises';
import type { Cli } from './cli.ts';
import type { Client } from './client.ts';

interface Running {
  readonly dataset: string;
  readonly done: number;
  readonly total: number;
  readonly decoded: number;
}

/** A terminal's line is written over; elsewhere a line comes seldom, because it stays. */
const terminalPollMs = 250;
const linePollMs = 5_000;

/** Says how far the ingest of a dataset is until it has ended. @returns what it gave */
export async function followIngest<T>(cli: Cli, client: Client, dataset: string, ingest: Promise<T>): Promise<T> {
  const { output } = cli;
  const ended = new AbortController();
  const follow = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await sleep(output.isTerminal ? terminalPollMs : linePollMs, undefined, { signal: ended.signal }).catch(() => undefined);
      if (ended.signal.aborted) return;
      const { items } = await client.get<{ items: readonly Running[] }>('dataset-ingests').catch(() => ({ items: [] }));
      const running = items.find((item) => item.dataset === dataset);
      if (running === undefined || ended.signal.aborted) continue;
      const { done, total, decoded } = running;
      output.progress(`${done} of ${total} images (${Math.floor((100 * done) / Math.max(1, total))} %), ${decoded} decoded`);
    }
  };
  const following = output.json ? Promise.resolve() : follow();
  try {
    return await ingest;
  } finally {
    ended.abort();
    await following;
    output.progress('');
  }
}
