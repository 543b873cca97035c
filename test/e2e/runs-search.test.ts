import assert from 'node:assert/strict';
import { test } from 'node:test';
import { done, gyre, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';

test('gyre runs search finds what MLflow clients logged, in order, as a table, JSON and CSV', async () => {
  await using folder = await temporaryFolder();
  const place = { cwd: await smallProject(folder.path), env: { GYRE_PORT: '0' } };
  await using server = await up(place);
  const mlflow = async (path: string, body: object): Promise<{ experiment_id: string; run: { info: { run_id: string } } }> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.address}/api/2.0/mlflow/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(response.status, 200);
    return (await response.json()) as { experiment_id: string; run: { info: { run_id: string } } };
  };
  const { experiment_id: experiment } = await mlflow('experiments/create', { name: 'vision' });
  for (const [name, value] of [
    ['a', 0.5],
    ['b, c', 0.25],
    ['d', 3],
  ] as const) {
    const { run } = await mlflow('runs/create', { experiment_id: experiment, run_name: name });
    await mlflow('runs/log-batch', {
      run_id: run.info.run_id,
      metrics: [{ key: 'loss', value, step: 0, timestamp: 1 }],
      params: [{ key: 'lr', value: '0.1' }],
    });
  }
  const search = ['runs', 'search', 'metrics.loss < 1', '--experiment', 'vision', '--order', 'metrics.loss ASC'];
  const csv = await done([...search, '--csv', '--columns', 'metrics.loss,params.lr'], place);
  assert.match(
    csv,
    /^run_id,name,status,user,started_at,ended_at,metrics\.loss,params\.lr\n.+,"b, c",RUNNING,.+,0\.25,0\.1\n.+,a,RUNNING,.+,0\.5,0\.1\n$/,
  );
  const found = JSON.parse(await done([...search, '--limit', '1', '--json'], place)) as { items: { name: string }[]; next: string };
  assert.deepEqual(
    found.items.map(({ name }) => name),
    ['b, c'],
  );
  assert.match(await done([...search, '--after', found.next], place), / a /);
  const wrong = await gyre(['runs', 'search', '--experiment', 'nobody'], place);
  assert.match(wrong.stderr, /there is no experiment "nobody"; there is .*vision \(1\)/);
  assert.notEqual(wrong.code, 0);
});
