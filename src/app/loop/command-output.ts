import type { Executor } from '#executors';

const keptLines = 20;
const keptBytes = 64 * 1024;

/** The last lines that a job wrote: to its standard error, else to its standard output. */
export async function lastLines(executor: Executor, job: string): Promise<readonly string[]> {
  for (const stream of ['stderr', 'stdout'] as const) {
    let kept = Buffer.alloc(0);
    for await (const chunk of executor.logs(job, { stream })) kept = Buffer.concat([kept, chunk]).subarray(-keptBytes);
    const text = kept.toString('utf8').trimEnd();
    if (text !== '') return text.split('\n').slice(-keptLines);
  }
  return [];
}
