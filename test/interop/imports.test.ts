import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import pg from 'pg';
import type { RecordImport } from '#contract';
import { done, facts, gyre, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

const postgres = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

interface Left {
  readonly experiment: string;
  readonly run: string;
  readonly gone: string;
}

interface Brought {
  readonly id: string;
  readonly status: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly tags: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, unknown>>;
  /** How many metrics of the machine there are. */
  readonly system: number;
}

interface RunAnswer {
  readonly run: {
    readonly info: {
      readonly run_id: string;
      readonly experiment_id: string;
      readonly run_name: string;
      readonly status: string;
      readonly lifecycle_stage: string;
    };
    readonly data: {
      readonly metrics?: readonly { readonly key: string; readonly value: unknown }[];
      readonly params?: readonly { readonly key: string; readonly value: string }[];
      readonly tags?: readonly { readonly key: string; readonly value: string }[];
    };
    readonly inputs?: { readonly dataset_inputs?: readonly { readonly dataset: { readonly name: string } }[] };
  };
}

const records = ({ counts }: RecordImport): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(
    Object.entries(counts).map(([what, { read, imported, present, refused }]) => [what, [read, imported, present, refused]]),
  );

/** Asks as MLflow's clients do, from this machine. */
async function ask<T>({ address }: Pick<Up, 'address'>, path: string): Promise<T> {
  const response = await fetch(`${address}/api/2.0/mlflow/${path}`);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as T;
}

/** A database of its own on the PostgreSQL of the tests. */
async function temporaryDatabase(): Promise<AsyncDisposable & { readonly url: string }> {
  const name = `gyre_mlflow_${randomUUID().replaceAll('-', '')}`;
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: postgres });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await run(`create database ${name}`);
  const url = new URL(postgres);
  url.pathname = name;
  return { url: url.href, [Symbol.asyncDispose]: () => run(`drop database ${name} with (force)`) };
}

async function whyNoPostgres(): Promise<string | false> {
  try {
    await using _database = await temporaryDatabase();
    return false;
  } catch (error) {
    return `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`;
  }
}

interface Place extends AsyncDisposable {
  /** As MLflow's client is told. */
  readonly tracking: string;
  /** As `gyre import` is told. */
  readonly source: string;
}

const nothing = async (): Promise<void> => undefined;
const places: readonly (readonly [what: string, open: (folder: string) => Promise<Place>])[] = [
  ['files', async (folder) => ({ tracking: `file://${folder}/mlruns`, source: join(folder, 'mlruns'), [Symbol.asyncDispose]: nothing })],
  [
    'a database',
    async (folder) => ({ tracking: `sqlite:///${folder}/mlflow.db`, source: join(folder, 'mlflow.db'), [Symbol.asyncDispose]: nothing }),
  ],
  [
    'a database in PostgreSQL',
    async () => {
      const database = await temporaryDatabase();
      const tracking = database.url.replace(/^postgres(ql)?:/, 'postgresql+pg8000:');
      return { tracking, source: database.url, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
    },
  ],
];

const noPostgres = await whyNoPostgres();

describe('what the tools themselves left', { skip: pythonMissing }, () => {
  for (const [what, openPlace] of places) {
    const skip = what.includes('PostgreSQL') ? noPostgres : false;
    test(
      `comes along from ${what} of MLflow, whole and once, and back into files that MLflow reads`,
      { timeout: 240_000, skip },
      async () => {
        await using folder = await temporaryFolder();
        await using origin = await openPlace(folder.path);
        const place = { cwd: await smallProject(folder.path) };
        const left = await runPython<Left>(
          'imports_peer.py',
          { what: 'mlflow', folder: folder.path, tracking: origin.tracking, artifacts: `file://${folder.path}/artifacts` },
          { timeoutMs: 200_000 },
        );
        await using house = await up(place);
        const words = ['import', 'mlflow', origin.source, '--artifacts', join(folder.path, 'artifacts')];
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
      },
    );
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

  /** Parameters, tags and last values of the runs of an experiment, by the runs' names. */
  const runsOf = async ({ address }: Up, experiment: string): Promise<Readonly<Record<string, Brought>>> => {
    const found = await ask<{ readonly experiment: { readonly experiment_id: string } }>(
      { address },
      `experiments/get-by-name?experiment_name=${experiment}`,
    );
    const response = await fetch(`${address}/api/2.0/mlflow/runs/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_ids: [found.experiment.experiment_id] }),
    });
    const { runs } = (await response.json()) as { readonly runs: readonly RunAnswer['run'][] };
    const valuesOf = (pairs: readonly { readonly key: string; readonly value: unknown }[] = []): Readonly<Record<string, unknown>> =>
      Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
    return Object.fromEntries(
      runs.map(({ info, data }) => [
        info.run_name,
        {
          id: info.run_id,
          status: info.status,
          parameters: valuesOf(data.params),
          tags: valuesOf(data.tags),
          metrics: valuesOf(data.metrics?.filter(({ key }) => !key.startsWith('system/'))),
          system: data.metrics?.filter(({ key }) => key.startsWith('system/')).length ?? 0,
        },
      ]),
    );
  };

  test('comes along from offline runs of wandb, and once', { timeout: 240_000 }, async () => {
    await using folder = await temporaryFolder();
    const place = { cwd: await smallProject(folder.path) };
    await runPython('imports_peer.py', { what: 'wandb', folder: folder.path }, { timeoutMs: 200_000 });
    await using house = await up(place);
    const words = ['import', 'wandb', folder.path, '--artifacts', folder.path];
    const brought = await facts<RecordImport>(words, place);
    assert.deepEqual([brought.state, brought.refusals], ['finished', []]);
    const { experiments, runs, parameters } = records(brought);
    assert.deepEqual(
      [experiments, runs, parameters],
      [
        [1, 1, 0, 0],
        [2, 2, 0, 0],
        [7, 7, 0, 0],
      ],
    );
    const { first, second } = await runsOf(house, 'churn');
    assert.deepEqual(first.parameters, {
      lr: '0.1',
      'nested.depth': '3',
      'nested.widths': '[1,2]',
      größe: 'viel',
      none: 'null',
      late: '5',
    });
    assert.deepEqual(first.metrics, { 'loss/train': 0.02, nan: 'NaN', inf: '-Infinity', ok: 1, 'deep.a': 49, best: 0.25 });
    assert.ok(first.system > 0, 'what wandb measured of the machine is there');
    const { 'wandb.run_id': _id, 'wandb.host': _host, 'mlflow.source.name': _source, 'mlflow.runName': _name, ...tags } = first.tags;
    assert.deepEqual(tags, {
      'wandb.group': 'trees',
      'wandb.job_type': 'train',
      'wandb.tags': 'a, b',
      'mlflow.note.content': 'some notes',
      said: 'hello',
    });
    assert.deepEqual([first.status, second.status, second.metrics], ['FINISHED', 'FAILED', { 'loss/train': 1.5 }]);
    const history = await ask<{ readonly metrics: readonly { readonly step: number }[] }>(
      house,
      `metrics/get-history?run_id=${first.id}&metric_key=loss/train`,
    );
    assert.deepEqual(
      history.metrics.map(({ step }) => Number(step)),
      Array.from({ length: 50 }, (_, step) => step),
    );
    const listed = await ask<{ readonly files: readonly { readonly path: string }[] }>(house, `artifacts/list?run_id=${first.id}`);
    const paths = listed.files.map(({ path }) => path);
    for (const path of ['artifacts', 'media', 'note.txt']) assert.ok(paths.includes(path), `${path} is not among ${paths.join(', ')}`);
    const again = await facts<RecordImport>(words, place);
    assert.deepEqual(records(again)['runs'], [2, 0, 2, 0]);
    assert.equal('points' in again.counts, false, 'what is in is not read again');
  });

  test('comes along from a folder of DVCLive, and once', { timeout: 240_000 }, async () => {
    await using folder = await temporaryFolder();
    const place = { cwd: await smallProject(folder.path) };
    await runPython('imports_peer.py', { what: 'dvclive', folder: folder.path }, { timeoutMs: 200_000 });
    await using house = await up(place);
    const words = ['import', 'dvclive', join(folder.path, 'dvclive'), '--experiment', 'live'];
    const brought = await facts<RecordImport>(words, place);
    assert.deepEqual([brought.state, brought.refusals], ['finished', []]);
    assert.deepEqual(records(brought), {
      experiments: [1, 1, 0, 0],
      runs: [1, 1, 0, 0],
      parameters: [3, 3, 0, 0],
      tags: [0, 0, 0, 0],
      points: [102, 102, 0, 0],
      artifacts: [2, 2, 0, 0],
    });
    const { dvclive } = await runsOf(house, 'live');
    assert.deepEqual(dvclive.parameters, { lr: '0.1', 'nested.depth': '3', layers: '[1,2]' });
    assert.deepEqual(dvclive.metrics, { 'train/loss': 0.02, acc: 0.98, last: 'NaN', best: 0.25 });
    assert.deepEqual(records(await facts<RecordImport>(words, place))['runs'], [1, 0, 1, 0]);
  });
});
