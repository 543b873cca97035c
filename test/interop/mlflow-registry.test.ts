import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ModelVersion } from '#contract';
import { done, facts, gyre, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

const peer = readFileSync(join(import.meta.dirname, 'mlflow_registry_peer.py'), 'utf8');
const scenarios = [...peer.matchAll(/^@scenario\ndef (\w+)/gm)].map(([, name]) => name);

type Outcomes = Readonly<Record<string, string | null>>;

describe("the registry, by MLflow's client and by the command line", { skip: pythonMissing }, () => {
  let stack: AsyncDisposableStack;
  let folder: string;
  let cwd: string;
  let server: Up;
  let outcomes: Outcomes;
  before(async () => {
    stack = new AsyncDisposableStack();
    ({ path: folder } = stack.use(await temporaryFolder()));
    cwd = await smallProject(folder, { rows: 20 });
    server = stack.use(await up({ cwd, env: { GYRE_WEBHOOK_HOSTS: '127.0.0.1' } }));
    const token = (await readFile(join(server.dataFolder, 'secrets', 'owner-token'), 'utf8')).trim();
    outcomes = await runPython<Outcomes>('mlflow_registry_peer.py', { address: server.address, token, folder }, { timeoutMs: 600_000 });
  });
  after(() => stack.disposeAsync());

  for (const scenario of scenarios) {
    test(scenario.replaceAll('_', ' '), () => assert.equal(outcomes[scenario], null, outcomes[scenario] ?? 'it was not played'));
  }

  const place = () => ({ cwd });

  test('what a client logged as ONNX has a signature that is read from its graph, and says what it lacks', async () => {
    const version = await server.get<ModelVersion>('models/doubling/versions/1');
    assert.deepEqual(version.signature?.tensors, [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }]);
    assert.deepEqual(version.signature?.outputs, [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }]);
    assert.deepEqual(version.flavors?.toSorted(), ['onnx', 'python_function']);
    const readiness = await server.get<{ ready: boolean; missing: { gate: string; reason: string }[] }>(
      `readiness?modelVersion=${version.id}&environment=test`,
    );
    assert.equal(readiness.ready, false);
    assert.match(readiness.missing[0].reason, /doubling version 1 has no test report: it is tested before it is deployed/);
  });

  test('gyre model add registers a file that was trained elsewhere, holds it against reference answers, and pull gives it back', async () => {
    const graph = join(folder, 'doubling.onnx');
    const right = join(folder, 'right.json');
    const wrong = join(folder, 'wrong.json');
    const inputs = { x: [[1, 2], [3, 4]] }; // prettier-ignore
    await writeFile(right, JSON.stringify({ inputs, outputs: { y: [[3, 5], [7, 9]] } })); // prettier-ignore
    await writeFile(wrong, JSON.stringify({ inputs, outputs: { y: [[3, 5], [7, 8.5]] } })); // prettier-ignore
    const refused = await gyre(['model', 'add', 'my models', graph, '--examples', wrong], place());
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /value 4 of output "y" is 9, not 8\.5, a difference of 5\.00e-1/);
    const words = ['model', 'add', 'my models', graph, '--examples', right, '--description', 'from the cluster', '--tag', 'team=a'];
    const version = await facts<ModelVersion>(words, place());
    assert.deepEqual(
      [version.model, version.version, version.description, version.tags, version.files.map(({ path }) => path)],
      ['my models', 1, 'from the cluster', { team: 'a' }, ['examples.json', 'model.onnx']],
    );
    await done(['model', 'alias', 'my models/1', 'blue'], place());
    await done(['model', 'stage', 'my models@blue', 'staging'], place());
    await done(['model', 'tag', 'my models/1', 'team=', 'use=test'], place());
    await done(['model', 'describe', 'my models', 'doubles'], place());
    await done(['model', 'rename', 'my models', 'doublers'], place());
    const shown = await facts<ModelVersion>(['model', 'show', 'doublers@blue'], place());
    assert.deepEqual([shown.stage, shown.tags, shown.aliases], ['Staging', { use: 'test' }, ['blue']]);
    await done(['model', 'pull', 'doublers@blue', 'model.onnx', '--to', join(folder, 'pulled')], place());
    assert.deepEqual(await readFile(join(folder, 'pulled', 'model.onnx')), await readFile(graph));
    await done(['model', 'delete', 'doublers/1'], place());
    assert.equal((await server.get<ModelVersion>(`model-versions/${version.id}`)).deletedAt !== undefined, true);
    const gone = await gyre(['model', 'show', 'doublers/1'], place());
    assert.match(gone.stderr, /has no version 1/);
  });
});
