import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Deployment, EnvironmentState, ModelVersion, NamedRow, PredictAnswer, TestReport } from '#contract';
import { done, facts, gyre, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

interface Scores {
  readonly onnx: readonly number[];
  readonly sklearn: readonly number[];
}

/** scikit-learn and LightGBM compute in float64 what the graph computes in float32. */
const tolerance = 1e-4;

describe("models that MLflow's client logs, from their training elsewhere to production", { skip: pythonMissing }, () => {
  let stack: AsyncDisposableStack;
  let cwd: string;
  let server: Up;
  let asking: { readonly address: string; readonly token: string };
  let rows: readonly NamedRow[];
  let expected: Scores;
  before(async () => {
    stack = new AsyncDisposableStack();
    const { path } = stack.use(await temporaryFolder());
    cwd = await smallProject(path, { rows: 400 });
    server = stack.use(await up({ cwd }));
    await done(['data', 'add', 'people'], { cwd });
    await done(['data', 'split', 'people'], { cwd });
    asking = { address: server.address, token: (await readFile(join(server.dataFolder, 'secrets', 'owner-token'), 'utf8')).trim() };
    const logged = await runPython<{ rows: readonly NamedRow[]; expected: Scores }>(
      'brought_models_peer.py',
      { act: 'log', ...asking, csv: join(cwd, 'people.csv') },
      { timeoutMs: 300_000 },
    );
    ({ rows, expected } = logged);
  });
  after(() => stack.disposeAsync());

  const close = (given: readonly number[], wanted: readonly number[]): void => {
    assert.equal(given.length, wanted.length);
    given.forEach((value, row) => assert.ok(Math.abs(value - wanted[row]) <= tolerance, `row ${row}: ${value}, not ${wanted[row]}`));
  };
  const yes = ({ predictions }: PredictAnswer): number[] => predictions.map(({ probabilities }) => probabilities?.['yes'] ?? Number.NaN);
  const served = async (): Promise<EnvironmentState> => {
    const { items } = await server.get<{ items: readonly EnvironmentState[] }>('environments');
    return items.find(({ name }) => name === 'production') ?? assert.fail('there is no production');
  };

  test('one of the ONNX flavour is tested, certified, released and answers as scikit-learn does', async () => {
    const report = await facts<TestReport>(['model', 'test', 'shop/1'], { cwd });
    assert.ok(report.passed);
    const { brought, aliases } = await server.get<ModelVersion>('models/shop/versions/1');
    assert.deepEqual([brought?.tensors.map(({ name }) => name), aliases], [['age', 'income', 'plan'], ['candidate']]);
    const version = await releaseVersion(server, 'shop', 1);
    const { address = '', live } = await served();
    assert.equal(live?.modelVersion, version.id);
    const infer = { act: 'infer', address, model: 'shop', rows, columns: ['age', 'income', 'plan'] };
    close(await runPython<number[]>('brought_models_peer.py', infer), expected.onnx);
    const body = await fetch(`${address}/predict/shop`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rows }),
    });
    assert.ok(body.ok, await body.clone().text());
    close(yes((await body.json()) as PredictAnswer), expected.onnx);
  });

  test('one of the scikit-learn flavour with a graph beside it asks for its classes alone, and takes its columns from MLflow’s signature', async () => {
    const asked = await gyre(['model', 'test', 'shop/2'], { cwd });
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /classes are "(0|False)", "(1|True)", but "cancelled" has "no", "yes".*--classes no,yes/);
    const report = await facts<TestReport>(['model', 'test', 'shop/2', '--classes', 'no,yes'], { cwd });
    assert.equal(report.comparison?.champion, (await server.get<ModelVersion>('models/shop/versions/1')).id);
    const { brought, signature } = await server.get<ModelVersion>('models/shop/versions/2');
    assert.deepEqual([brought?.graph, signature?.inputs.map(({ name }) => name)], ['trees.onnx', ['age', 'income']]);
    const { status, body } = await server.post<Deployment>('environments/test/deploy', {
      modelVersion: (await server.get<ModelVersion>('models/shop/versions/2')).id,
      reason: 'to ask it',
    });
    assert.ok(status < 300, JSON.stringify(body));
    const { items } = await server.get<{ items: readonly EnvironmentState[] }>('environments');
    const { address = '' } = items.find(({ name }) => name === 'test') ?? {};
    const infer = { act: 'infer', address, model: 'shop', rows, columns: ['age', 'income'] };
    close(await runPython<number[]>('brought_models_peer.py', infer), expected.sklearn);
  });

  test('stay what their client loads, tested or not', async () => {
    const loaded = await runPython<Scores>('brought_models_peer.py', { act: 'load', ...asking, rows });
    close(loaded.onnx, expected.onnx);
    close(loaded.sklearn, expected.sklearn);
  });

  test('without a graph are told what is missing and how to convert them', async () => {
    const refused = await gyre(['model', 'test', 'pickles/1'], { cwd });
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /no ONNX graph \(it can be loaded as .*sklearn.*no pickle: convert.*skl2onnx/);
  });

  test('are guarded from their first test on: the champion follows the release, for MLflow’s client too', async () => {
    const version = await server.get<ModelVersion>('models/shop/versions/champion');
    assert.equal(version.version, 1);
    const refused = await gyre(['model', 'alias', 'shop/2', 'champion'], { cwd });
    assert.equal(refused.code, 3);
    const answer = await fetch(`${server.address}/api/2.0/mlflow/model-versions/transition-stage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${asking.token}` },
      body: JSON.stringify({ name: 'shop', version: '2', stage: 'Production', archive_existing_versions: false }),
    });
    assert.equal(answer.ok, false);
    assert.match(await answer.text(), /may not come to the stage Production/);
  });

  test('say in a reproduction and a trace that they were trained elsewhere', async () => {
    const reproduced = await gyre(['reproduce', 'shop/1'], { cwd });
    assert.match(reproduced.stderr, /was trained elsewhere and brought by/);
    const { stdout: traced } = await gyre(['trace', 'model_version', 'shop@1'], { cwd });
    assert.match(traced, /missing training: shop version 1 was trained elsewhere/);
    assert.match(traced, /dataset_version\s+test: \d+ rows of people, part test/);
  });
});
