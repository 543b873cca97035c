import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isModelGraph } from '#contract';
import type { EnvironmentState, Evidence, ModelConversion, ModelVersion, NamedRow, PredictAnswer, Readiness, TestReport } from '#contract';
import { done, eventually, facts, gyre, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Up } from '../harness/gyre-fixture.ts';
import { edit, smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';
import { pythonFile, pythonMissing, runPython } from './python.ts';

interface Logged {
  readonly rows: readonly NamedRow[];
  readonly expected: readonly number[];
}

/** Probabilities travel as float32: half a step below 1 is 3e-8. */
const tolerance = 1e-7;

describe('pickles that MLflow’s client logs, from their training elsewhere to production', { skip: pythonMissing }, () => {
  let stack: AsyncDisposableStack;
  let cwd: string;
  let server: Up;
  let logged: Logged;
  before(async () => {
    stack = new AsyncDisposableStack();
    const { path } = stack.use(await temporaryFolder());
    cwd = await smallProject(path, { rows: 400 });
    server = stack.use(await up({ cwd }));
    await done(['data', 'add', 'people'], { cwd });
    await done(['data', 'split', 'people'], { cwd });
    const token = (await readFile(join(server.dataFolder, 'secrets', 'owner-token'), 'utf8')).trim();
    const request = { act: 'log', address: server.address, token, csv: join(cwd, 'people.csv') };
    logged = await runPython<Logged>('python_models_peer.py', request, { timeoutMs: 300_000 });
  });
  after(() => stack.disposeAsync());

  const versionOf = (model: string): Promise<ModelVersion> => server.get<ModelVersion>(`models/${model}/versions/1`);
  const predict = async (environment: string): Promise<readonly number[]> => {
    const { items } = await server.get<{ items: readonly EnvironmentState[] }>('environments');
    const { address = '', endpoint = '' } = items.find(({ name }) => name === environment) ?? {};
    const answer = await fetch(`${address}/predict/${endpoint}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rows: logged.rows }),
    });
    assert.ok(answer.ok, await answer.clone().text());
    const { predictions } = (await answer.json()) as PredictAnswer;
    return predictions.map(({ probabilities }) => probabilities?.['yes'] ?? Number.NaN);
  };
  const close = (given: readonly number[]): void =>
    given.forEach((value, row) =>
      assert.ok(Math.abs(value - logged.expected[row]) <= tolerance, `row ${row}: ${value}, not ${logged.expected[row]}`),
    );

  test('are marked as executing code on load, and tested only where the project allows that', async () => {
    assert.equal((await versionOf('pickles')).executesCodeOnLoad, true);
    const { stdout } = await gyre(['model', 'show', 'pickles/1'], { cwd });
    assert.match(stdout, /executes code on load/);
    const refused = await gyre(['model', 'test', 'pickles/1'], { cwd });
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /no ONNX graph.*serve\.python/);
    const unconverted = await gyre(['model', 'convert', 'pickles/1'], { cwd });
    assert.equal(unconverted.code, 3);
    assert.match(unconverted.stderr, /executes code from its files, which is not allowed here.*serve\.python/);
  });

  test('come to no environment that has not said so', async () => {
    await edit(join(cwd, 'gyre.yaml'), (text) =>
      `${text}\n`.replace(/^(serve: \{.*)\}\s*$/m, `$1, python: { enabled: true, python: ${JSON.stringify(pythonFile)} } }`),
    );
    const report = await facts<TestReport>(['model', 'test', 'pickles/1'], { cwd });
    assert.ok(report.passed);
    const { id, testReport } = await versionOf('pickles');
    assert.equal(testReport, report.id);
    const readiness = await server.get<Readiness>(`readiness?modelVersion=${id}&environment=test`);
    assert.deepEqual([readiness.executesCodeOnLoad, readiness.missing.map(({ gate }) => gate)], [true, ['executes_code']]);
    const { status } = await server.post('environments/test/deploy', { modelVersion: id, reason: 'to ask it' });
    assert.ok(status >= 400);
    const said = await gyre(['release', 'status', 'pickles/1', 'test'], { cwd });
    assert.match(said.stdout, /executes code on load: a Python process.*\n[^]*missing executes_code: .*executesCode: true/);
  });

  test('are released where all say so, and answer as scikit-learn does', async () => {
    await edit(join(cwd, 'gyre.yaml'), (text) =>
      text
        .replace('certify: qa', 'certify: qa, executesCode: true')
        .replace('approve: approver', 'approve: approver, executesCode: true')
        // Who loads its Python on a busy machine answers late: over four seconds one late answer is no matter.
        .replace('requestsPerSecond: 20, durationMs: 300', 'requestsPerSecond: 2, durationMs: 4000'),
    );
    await releaseVersion(server, 'pickles', 1);
    close(await predict('production'));
    const { files } = await versionOf('pickles');
    assert.ok(!files.some(isModelGraph));
    const evidence = await server.get<Evidence>(`models/pickles/versions/1/evidence`);
    assert.ok('python' in evidence && evidence.python !== undefined);
    assert.match(evidence.python.libraries['scikit-learn'] ?? '', /^\d+\./);
    const { stdout } = await gyre(['release', 'status'], { cwd });
    assert.match(stdout, /pickles\/1 \(executes code on load\)/);
  });

  test('a pyfunc that gives a table of probabilities says its classes by its columns', async () => {
    const report = await facts<TestReport>(['model', 'test', 'customs/1', '--classes', 'no,yes'], { cwd });
    assert.ok(report.passed);
    const { status, body } = await server.post('environments/test/deploy', {
      modelVersion: (await versionOf('customs')).id,
      reason: 'to ask it',
    });
    assert.ok(status < 300, JSON.stringify(body));
    close(await predict('test'));
  });

  test('become a version with a graph that says the same, and executes nothing', async () => {
    await writeFile(join(cwd, 'rows.json'), JSON.stringify(logged.rows));
    const without = await gyre(['model', 'convert', 'pickles/1'], { cwd });
    assert.equal(without.code, 2);
    assert.match(without.stderr, /no input example.*--rows/);
    const made = await facts<ModelVersion>(['model', 'convert', 'pickles/1', '--rows', 'rows.json'], { cwd });
    assert.deepEqual([made.version, made.source, made.tags['converted_from']], [2, 'models:/pickles/1', 'pickles/1']);
    assert.equal(made.run, (await versionOf('pickles')).run);
    assert.notEqual(made.executesCodeOnLoad, true);
    assert.deepEqual(made.files.map(({ path }) => path).toSorted(), ['conversion.json', 'input_example.json', 'model.onnx', 'signature.json']); // prettier-ignore
    const file = await server.get<{ parity: { labelAgreement: number; maxRelative: number; rows: number }; from: string }>(
      `models/pickles/versions/2/files/conversion.json`,
    );
    assert.deepEqual([file.parity.rows, file.parity.labelAgreement], [logged.rows.length, 1]);
    // The graph computes in float32.
    assert.ok(file.parity.maxRelative < 1e-4, String(file.parity.maxRelative));
    const again = await gyre(['model', 'convert', 'pickles/2'], { cwd });
    assert.equal(again.code, 3);
    assert.match(again.stderr, /has an ONNX graph already/);
    // It is tested and could be released where no code may be executed.
    const report = await facts<TestReport>(['model', 'test', 'pickles/2'], { cwd });
    assert.ok(report.passed);
    const { items } = await server.get<{ items: readonly ModelConversion[] }>('model-conversions?model=pickles');
    assert.deepEqual(items.map(({ state, made }) => [state, made?.version]), [['finished', 2], ['failed', undefined]]); // prettier-ignore
    assert.match(items[0].parity ?? '', /greatest difference .*100\.0 % of labels the same on 30 rows/);
    assert.match(items[1].error ?? '', /no input example/);
  });

  test('and bare files that were uploaded are converted too; a conversion is followed, waits for the one before it, and is stopped', async () => {
    await runPython('python_models_peer.py', { act: 'convertible', folder: cwd }, { timeoutMs: 300_000 });
    const slow = await facts<ModelVersion>(['model', 'add', 'slow', 'slow.pkl'], { cwd });
    assert.equal(slow.executesCodeOnLoad, undefined);
    await done(['model', 'add', 'booster', 'boosted.ubj'], { cwd });
    const rows = JSON.parse(await readFile(join(cwd, 'rows.json'), 'utf8')) as readonly NamedRow[];
    const begin = async (model: string): Promise<ModelConversion> => {
      const { status, body } = await server.post<ModelConversion>(`models/${model}/versions/1/convert`, { rows });
      assert.equal(status, 202, JSON.stringify(body));
      return body;
    };
    const [endless, next] = [await begin('slow'), await begin('booster')];
    assert.deepEqual([next.state, next.request.rows], ['queued', rows.length]);
    const at = (id: string): Promise<ModelConversion> => server.get<ModelConversion>(`model-conversions/${id}`);
    // Python imports its libraries first, for each of them.
    await eventually('the model has said something', async () => (await at(endless.id)).said.length > 0, 120_000);
    const running = await at(endless.id);
    assert.deepEqual([running.state, running.stage], ['running', 'converting and comparing']);
    assert.match(running.said.join(), /it will take a while, says the model/);
    const { stdout } = await gyre(['model', 'conversions'], { cwd });
    assert.match(stdout, /queued\s+booster\/1[^]*converting and comparing\s+slow\/1/);
    const stopped = await facts<ModelConversion>(['model', 'conversions', endless.id, '--stop'], { cwd });
    assert.deepEqual([stopped.state, stopped.code], ['cancelled', 'CANCELLED']);
    assert.equal((await server.get<{ latest: number }>('models/slow')).latest, 1);
    await eventually('the next one has ended', async () => (await at(next.id)).finishedAt !== undefined, 120_000);
    const { state, made, error } = await at(next.id);
    assert.deepEqual([state, made?.version, error], ['finished', 2, undefined]);
    const graph = await server.get<ModelVersion>('models/booster/versions/2');
    assert.deepEqual([graph.tags['converted_from'], graph.signature?.inputs.map(({ name }) => name)], ['booster/1', ['a', 'b']]);
    const again = await gyre(['model', 'conversions', endless.id], { cwd });
    assert.match(again.stdout, /cancelled[^]*says the model/);
  });
});
