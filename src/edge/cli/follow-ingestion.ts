import { setTimeout as sleep } from 'node:timers/promises';
import type { DatasetIngestion } from '#contract';
import { GyreError, errorCodes } from '#core';
import type { Cli } from './cli.ts';
import type { Client } from './client.ts';
import { countOf } from './work-progress.ts';

/** How often the ingestion is asked for. The first answers come fast, so that a small one is not waited for. */
const [firstPollMs, pollMs] = [20, 250];
/** A terminal's line is written over; elsewhere a line comes seldom, because it stays. */
const lineEveryMs = 5_000;

/** Says how far an ingestion is until it has ended. Ctrl-C stops it. @throws GyreError CANCELLED, or what it failed with */
export async function followIngestion(cli: Cli, client: Client, started: DatasetIngestion): Promise<DatasetIngestion> {
  const { host, output } = cli;
  let ingestion = started;
  let [wait, silent] = [firstPollMs, 0];
  while (ingestion.progress !== undefined) {
    await sleep(wait, undefined, { signal: host.signal }).catch(() => undefined);
    if (host.signal.aborted) return stopped(cli, client, ingestion);
    [wait, silent] = [Math.min(pollMs, wait * 2), silent + wait];
    ingestion = await client.get<DatasetIngestion>(`dataset-ingestions/${encodeURIComponent(started.id)}`).catch((error: unknown) => {
      if (!host.signal.aborted) throw error;
      return ingestion;
    });
    const text = progressText(ingestion);
    if (output.json || text === '' || (!output.isTerminal && silent < lineEveryMs)) continue;
    output.progress(text);
    silent = 0;
  }
  output.progress('');
  if (ingestion.version === undefined) throw failureOf(ingestion);
  return ingestion;
}

function failureOf({ id, code, error = 'it failed' }: DatasetIngestion): GyreError {
  return new GyreError(errorCodes.find((known) => known === code) ?? 'INTERNAL', error, { ingestion: id });
}

function progressText({ progress }: DatasetIngestion): string {
  if (progress?.phase === 'judging') return 'judging its quality';
  if (progress?.total === undefined) return '';
  const { done = 0, total, decoded } = progress;
  const share = Math.floor((100 * done) / Math.max(1, total));
  return `${countOf(done)} of ${countOf(total)} files (${share} %)${decoded === undefined ? '' : `, ${countOf(decoded)} decoded`}`;
}

/** The signal of the verb has aborted the client too: to stop takes one of its own. */
async function stopped(cli: Cli, { options }: Client, { id }: DatasetIngestion): Promise<DatasetIngestion> {
  const { openClient } = await import('./client.ts');
  const fresh = openClient({ ...options, signal: AbortSignal.timeout(30_000) });
  const path = `dataset-ingestions/${encodeURIComponent(id)}`;
  cli.output.progress('');
  cli.output.note('stopping');
  let ingestion = await fresh.remove<DatasetIngestion>(path);
  while (ingestion.progress !== undefined) {
    await sleep(firstPollMs);
    ingestion = await fresh.get<DatasetIngestion>(path);
  }
  if (ingestion.version === undefined) throw failureOf(ingestion);
  return ingestion;
}
