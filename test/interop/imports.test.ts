import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { RecordImport } from '#contract';
import { done, facts, gyre, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

interface Left {
  readonly experiment: string;
  readonly run: string;
  readonly gone: string;
}

interface RunAnswer {
  readonly run: {
    readonly info: { readonly experiment_id: string; readonly run_name: string; readonly status: string; readonly lifecycle_stage: string };
    readonly data: {
      readonly metrics?: readonly { readonly key: string; readonly value: unknown }[];
      readonly params?: readonly { readonly key: string; readonly value: string }[];
    };
    readonly inputs?: { readonly dataset_inputs?: readonly { readonly dataset: { readonly name: string } }[] };
  };
}

const records = ({ counts }: RecordImport): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(
    Object.entries(counts).map(([what, { read, imported, present, refused }]) => [what, [read, imported, present, refused]]),
  );

/** Asks as MLflow's clients do, from this machine. */
async function ask<T>({ address }: Up, path: string): Promise<T> {
  const response = await fetch(`${address}/api/2.0/mlflow/${path}`);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as T;
}

describe('what the tools themselves left', { skip: pythonMissing }, () => {
  for (const [what, tracking] of [
    ['files', (folder: string) => `file://${folder}/mlruns`],
    ['a database', (folder: string) => `sqlite:///${folder}/mlflow.db`],
  ] as const) {
    test(`comes along from ${what} of MLflow, whole and once, and back into files that MLflow reads`, { timeout: 240_000 }, async () => {
      await using folder = await temporaryFolder();
      const place = { cwd: await smallProject(folder.path) };
      const left = await runPython<Left>(
        'imports_peer.py',
        { what: 'mlflow', folder: folder.path, tracking: tracking(folder.path), artifacts: `file://${folder.path}/artifacts` },
        { timeoutMs: 200_000 },
      );
      const source = join(folder.path, what === 'files' ? 'mlruns' : 'mlflow.db');
      await using house = await up(place);
      const words = ['import', 'mlflow', source, ...(what === 'files' ? ['--artifacts', join(folder.path, 'artifacts')] : [])];
      const first = JSON.parse((await gyre([...words, '--json'], place)).stdout) as RecordImport;
      const { experiments: _all, tags, ...counts } = records(first);
      assert.deepEqual([first.state, first.refusals], ['finished', []]);
      assert.deepEqual(counts, {
        runs: [2, 2, 0, 0],
        parameters: [2, 2, 0, 0],
        points: [52, 52, 0, 0],
        datasets: [1, 1, 0, 0],
        artifacts: [1, 1, 0, 0],
      });
      assert.equal(tags[0], tags[1]);
      const { run } = await ask<RunAnswer>(house, `runs/get?run_id=${left.run}`);
      assert.deepEqual([run.info.experiment_id, run.info.run_name, run.info.status], [left.experiment, 'first', 'FINISHED']);
      assert.deepEqual(
        (run.data.params ?? []).map(({ key, value }) => [key, value]).sort(([a], [b]) => (a < b ? -1 : 1)),
        [
          ['depth', '3'],
          ['größe', 'viel'],
        ],
      );
      assert.deepEqual(Object.fromEntries((run.data.metrics ?? []).map(({ key, value }) => [key, value])), {
        'loss/train': 0.02,
        nan: 'NaN',
        inf: '-Infinity',
      });
      assert.equal(run.inputs?.dataset_inputs?.[0].dataset.name, 'customers');
      const { run: gone } = await ask<RunAnswer>(house, `runs/get?run_id=${left.gone}`);
      assert.equal(gone.info.lifecycle_stage, 'deleted');
      const again = await facts<RecordImport>(words, place);
      assert.deepEqual(records(again)['runs'], [2, 0, 2, 0]);
      assert.equal('points' in again.counts, false, 'what is in is not read again');

      const written = join(folder.path, 'written');
      await done(['export', 'mlruns', written], place);
      const read = await runPython<Readonly<Record<string, unknown>>>(
        'imports_peer.py',
        { what: 'read', folder: folder.path, tracking: `file://${written}`, ...left },
        { timeoutMs: 200_000 },
      );
      assert.deepEqual(read, {
        name: 'first',
        status: 'FINISHED',
        params: { depth: '3', größe: 'viel' },
        metrics: { 'loss/train': '0.02', nan: 'nan', inf: '-inf' },
        steps: Array.from({ length: 50 }, (_, step) => step),
        experiment: 'brought/along',
        tags: { team: 'risk' },
        gone: 'deleted',
        dataset: ['customers', { 'mlflow.data.context': 'training' }],
        file: 'a curve',
      });
    });
  }

  test('comes along from event files of TensorBoard', { timeout: 240_000 }, async () => {
    await using folder = await temporaryFolder();
    const place = { cwd: await smallProject(folder.path) };
    await mkdir(join(folder.path, 'board'));
    await runPython('imports_peer.py', { what: 'board', folder: folder.path });
    await using house = await up(place);
    const brought = await facts<RecordImport>(['import', 'tensorboard', join(folder.path, 'board'), '--experiment', 'board'], place);
    assert.deepEqual(records(brought), {
      experiments: [1, 1, 0, 0],
      runs: [3, 3, 0, 0],
      parameters: [3, 3, 0, 0],
      tags: [1, 1, 0, 0],
      points: [51, 51, 0, 0],
    });
    const { experiment } = await ask<{ readonly experiment: { readonly experiment_id: string } }>(
      house,
      'experiments/get-by-name?experiment_name=board',
    );
    const response = await fetch(`${house.address}/api/2.0/mlflow/runs/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_ids: [experiment.experiment_id], filter: "params.lr = '0.5' and metrics.accuracy > 0.7" }),
    });
    const { runs } = (await response.json()) as { readonly runs: readonly RunAnswer['run'][] };
    assert.deepEqual(
      runs.map(({ info }) => info.run_name),
      ['two/trial'],
    );
  });
});
