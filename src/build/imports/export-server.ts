import type { ImportCount } from '#contract';
import { messageOf } from '#core';
import { openMlflowServer } from './mlflow/server.ts';
import type { Complaint } from './source.ts';
import { Tally } from './tally.ts';
import { exportFolder } from './export/export-folder.ts';

export interface Export {
  readonly counts: Readonly<Record<string, ImportCount>>;
  readonly refusals: readonly Complaint[];
  /** Why it did not end; absent where it did. */
  readonly error?: string;
}

/**
 * Writes what a server that speaks MLflow's API holds as an `mlruns` folder.
 * @param options.progress told now and then how far it is
 * @throws GyreError UNAVAILABLE when the server does not answer
 */
export async function exportMlruns(options: {
  readonly address: string;
  readonly token?: string;
  /** Absolute. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly progress: (counts: Export['counts']) => void;
}): Promise<Export> {
  const tally = new Tally();
  const { address, token, folder, signal } = options;
  await using source = await openMlflowServer({ address, complain: tally.complain, ...(token === undefined ? {} : { token }) });
  const timer = setInterval(() => options.progress(tally.counts), 2000);
  try {
    await exportFolder({ source, folder, tally, signal });
    return { counts: tally.counts, refusals: tally.refusals };
  } catch (error) {
    if (signal.aborted) return { counts: tally.counts, refusals: tally.refusals, error: 'cancelled' };
    return { counts: tally.counts, refusals: tally.refusals, error: messageOf(error) };
  } finally {
    clearInterval(timer);
  }
}
