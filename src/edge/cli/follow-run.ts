import { setTimeout as sleep } from 'node:timers/promises';
import type { PipelineRun, StepRun } from '#contract';
import { GyreError } from '#core';
import type { Cli } from './cli.ts';
import type { Client } from './client.ts';

const pollMs = 300;
const ended: readonly StepRun['state'][] = ['succeeded', 'cached', 'failed', 'cancelled', 'skipped'];

/** Shows a pipeline run until it has ended: a line for each step that comes to its end, then the run as facts. Ctrl-C cancels the run. */
export async function followRun(cli: Cli, client: Client, started: PipelineRun): Promise<PipelineRun> {
  const shown = new Set<string>();
  const { host, output } = cli;
  output.line(`pipeline run ${started.id}`);
  let run = started;
  for (;;) {
    for (const step of run.steps) {
      if (!ended.includes(step.state) || shown.has(step.id)) continue;
      shown.add(step.id);
      output.line(stepLine(cli, step));
    }
    if (run.endedAt !== undefined) break;
    if (run.stalled !== undefined)
      throw new GyreError('RESOURCE_EXHAUSTED', `pipeline run ${run.id} does not go on: ${run.stalled}; the next start takes it up again`);
    await sleep(pollMs, undefined, { signal: host.signal }).catch(() => undefined);
    // The signal of the verb has aborted the client too: to cancel takes one of its own.
    run = host.signal.aborted ? await cancelled(cli, client, run) : await client.get<PipelineRun>(`pipeline-runs/${run.id}`);
    if (host.signal.aborted) break;
  }
  output.facts(run, () =>
    output.line(`${output.style(run.state === 'succeeded' ? 'green' : 'red', run.state)}${duration(run.createdAt, run.endedAt)}`),
  );
  return run;
}

async function cancelled(cli: Cli, client: Client, run: PipelineRun): Promise<PipelineRun> {
  const { openClient } = await import('./client.ts');
  cli.output.note('cancelling');
  const fresh = openClient({ ...client.options, signal: AbortSignal.timeout(30_000) });
  return fresh.post<PipelineRun>(`pipeline-runs/${run.id}/cancel`);
}

/** One line about a step: mark, name, what it left, how long it took. */
export function stepLine(cli: Cli, step: StepRun): string {
  const { output } = cli;
  const marks: Partial<Record<StepRun['state'], string>> = {
    succeeded: output.style('green', 'done'),
    cached: output.style('cyan', 'cached'),
    failed: output.style('red', 'failed'),
    skipped: output.style('dim', 'skipped'),
    cancelled: output.style('yellow', 'cancelled'),
    running: output.style('yellow', 'running'),
  };
  const words = step.error ?? step.summary ?? '';
  return `  ${marks[step.state] ?? step.state} ${output.style('bold', step.step)}${words === '' ? '' : `: ${words}`}${output.style('dim', duration(step.startedAt, step.endedAt))}`;
}

function duration(from: string | undefined, to: string | undefined): string {
  if (from === undefined || to === undefined) return '';
  const ms = Date.parse(to) - Date.parse(from);
  return ms < 1000 ? ` (${ms} ms)` : ` (${(ms / 1000).toFixed(1)} s)`;
}
