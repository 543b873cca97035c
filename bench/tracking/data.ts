/** The same runs on both sides: ours by our own API, MLflow's straight into its tables. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Caller } from './http.ts';
import { python } from './servers.ts';

const metricsPerRun = 10;

/** The same numbers as bench/tracking_peer.py makes. */
const valueOf = (run: number, metric: number): number => ((run * 7919 + metric * 104_729) % 1_000_003) / 1_000_003;

/** Runs the peer's script. */
export async function peer<Result>(input: object): Promise<Result> {
  const child = spawn(python, [join(import.meta.dirname, '../tracking_peer.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let complaint = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  child.stdin.end(JSON.stringify(input));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  if (code !== 0) throw new Error(`tracking_peer.py ended with ${String(code)}:\n${complaint.slice(-2000)}`);
  return JSON.parse(output) as Result;
}

export async function newExperiment(server: Caller, name: string): Promise<string> {
  const made = await server.json<{ readonly experiment_id: string }>('POST', '/api/2.0/mlflow/experiments/create', { name });
  return made.experiment_id;
}

export async function newRun(server: Caller, experiment: string, startMs = Date.now()): Promise<string> {
  const { run } = await server.json<{ readonly run: { readonly info: { readonly run_id: string } } }>(
    'POST',
    '/api/2.0/mlflow/runs/create',
    {
      experiment_id: experiment,
      start_time: startMs,
      tags: [],
    },
  );
  return run.info.run_id;
}

/** Fills an experiment of ours by the same calls that a client makes. */
export async function fillOurs(server: Caller, experiment: string, runs: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < runs) {
      const run = next++;
      const startMs = 1_700_000_000_000 + run * 1000;
      const { run: made } = await server.json<{ readonly run: { readonly info: { readonly run_id: string } } }>(
        'POST',
        '/api/2.0/mlflow/runs/create',
        {
          experiment_id: experiment,
          run_name: `run-${run}`,
          start_time: startMs,
          tags: [{ key: 'mlflow.user', value: 'bench' }],
        },
      );
      const id = made.info.run_id;
      await server.json('POST', '/api/2.0/mlflow/runs/log-batch', {
        run_id: id,
        metrics: Array.from({ length: metricsPerRun }, (_, metric) => ({
          key: `m${metric}`,
          value: valueOf(run, metric),
          timestamp: startMs,
          step: 0,
        })),
        params: Array.from({ length: 5 }, (_, index) => ({ key: `p${index}`, value: String(run % (index + 7)) })),
        tags: [{ key: 'block', value: String(run % 10) }],
      });
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
}

export async function fillTheirs(database: string, experiment: string, runs: number): Promise<void> {
  await peer({ fill: database, experiment, runs, metrics: metricsPerRun });
}

/** A batch of so many points, each with another step. */
export function batchOf(run: string, key: string, from: number, count: number): object {
  return {
    run_id: run,
    metrics: Array.from({ length: count }, (_, index) => ({
      key,
      value: valueOf(from + index, 0),
      timestamp: 1_700_000_000_000 + from + index,
      step: from + index,
    })),
  };
}

export async function pointsOfOurs(server: Caller, run: string, key: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1000)
    await server.json('POST', '/api/2.0/mlflow/runs/log-batch', batchOf(run, key, from, Math.min(1000, count - from)));
}

export async function pointsOfTheirs(database: string, run: string, key: string, count: number): Promise<void> {
  await peer({ points: database, run, key, count });
}
