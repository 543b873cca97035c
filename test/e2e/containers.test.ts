import assert from 'node:assert/strict';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { samplePackage, writeSampleFolder } from '#serving';
import { start, temporaryFolder } from '../harness/gyre-fixture.ts';
import type { Running } from '../harness/gyre-fixture.ts';

interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Another address of this machine, as a platform in front has one; the loopback where there is none. */
const address = Object.values(networkInterfaces()).flat().find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1'; // prettier-ignore

const rows = [
  { tenure: 5, charges: 90, senior: false, contract: 'Month-to-month' },
  { tenure: 60, charges: 20, senior: true, contract: 'Two year' },
];
const csv = rows.map(({ tenure, charges, senior, contract }) => `${tenure},${charges},${senior},${contract}`).join('\n');

describe('a data plane as the container of another platform', () => {
  let stack: AsyncDisposableStack;
  let cwd: string;
  before(async () => {
    stack = new AsyncDisposableStack();
    cwd = stack.use(await temporaryFolder()).path;
    await writeSampleFolder(join(cwd, 'model'), samplePackage());
  });
  after(() => stack.disposeAsync());

  /** The image is run with `serve` alone: all else is said in its environment. */
  const run = async (env: Readonly<Record<string, string>>): Promise<readonly [Running, number]> => {
    const container = stack.use(start(['serve'], { cwd, env }));
    const [, port] = await container.line(/http:\/\/[^:]*:(\d+)/);
    return [container, Number(port)];
  };
  const ask = (port: number, path: string, body?: string, headers: Readonly<Record<string, string>> = {}): Promise<Said> =>
    new Promise((done, failed) => {
      const method = body === undefined ? 'GET' : 'POST';
      const sent = request({ host: address, port, path, method, headers: { host: 'model.platform.internal', ...headers } }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.once('end', () => done({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
      });
      sent.once('error', failed);
      sent.end(body);
    });
  const predictions = ({ body }: Said): readonly unknown[] =>
    (JSON.parse(body) as { readonly predictions: readonly unknown[] }).predictions;

  test('of SageMaker answers on its port, from the model where it lies, and tells what it answered by custom attributes', async () => {
    const [container, port] = await run({ GYRE_CONTAINER: 'sagemaker', SAGEMAKER_BIND_TO_PORT: '0', SAGEMAKER_BASE_DIR: cwd });
    assert.equal((await ask(port, '/ping')).status, 200);
    const json = await ask(port, '/invocations', JSON.stringify({ instances: rows }), {
      'content-type': 'application/json',
      'x-amzn-sagemaker-custom-attributes': 'trace-7',
    });
    assert.equal(json.status, 200, json.body);
    const labels = predictions(json);
    assert.equal(labels.length, 2);
    assert.match(String(json.headers['x-amzn-sagemaker-custom-attributes']), /^gyre-prediction-id=1-[0-9a-f]{8}-/);
    const table = await ask(port, '/invocations', csv, { 'content-type': 'text/csv', accept: 'text/csv' });
    assert.deepEqual([table.status, table.headers['content-type'], table.body], [200, 'text/csv', `${labels.join('\n')}\n`]);
    const lines = await ask(port, '/invocations', rows.map((row) => JSON.stringify(row)).join('\n'), {
      'content-type': 'application/jsonlines',
      accept: 'application/jsonlines',
    });
    assert.equal(lines.body, labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
    const broken = await ask(port, '/invocations', '{"tenure": 1}\nnonsense', { 'content-type': 'application/jsonlines' });
    assert.equal(broken.status, 400);
    assert.match(broken.body, /line 2 is no JSON/);
    container.kill('SIGTERM');
    assert.equal((await container.ended).code, 0);
  });

  test('of Vertex AI answers where it was told, one prediction for each instance', async () => {
    const [, port] = await run({
      GYRE_CONTAINER: 'vertex',
      AIP_HTTP_PORT: '0',
      AIP_HEALTH_ROUTE: '/v1/endpoints/7/deployedModels/9',
      AIP_PREDICT_ROUTE: '/v1/endpoints/7/deployedModels/9:predict',
      AIP_STORAGE_URI: join(cwd, 'model'),
    });
    assert.equal((await ask(port, '/v1/endpoints/7/deployedModels/9')).status, 200);
    const predict = (body: object): Promise<Said> =>
      ask(port, '/v1/endpoints/7/deployedModels/9:predict', JSON.stringify(body), { 'content-type': 'application/json' });
    const plain = await predict({ instances: rows });
    assert.equal(plain.status, 200, plain.body);
    assert.equal(predictions(plain).length, 2);
    const curled = { 'content-type': 'application/x-www-form-urlencoded' };
    const said = await ask(port, '/v1/endpoints/7/deployedModels/9:predict', JSON.stringify({ instances: rows }), curled);
    assert.deepEqual([said.status, predictions(said)], [200, predictions(plain)], 'as curl -d sends it');
    const full = predictions(await predict({ instances: rows, parameters: { probabilities: true } }));
    for (const [at, one] of full.entries()) {
      const { label, probabilities } = one as { readonly label: string; readonly probabilities: Readonly<Record<string, number>> };
      assert.equal(label, predictions(plain)[at]);
      assert.ok(Math.abs(Object.values(probabilities).reduce((sum, share) => sum + share, 0) - 1) < 1e-6);
    }
    const odd = await predict({ instances: rows, parameters: { top_k: 3 } });
    assert.equal(odd.status, 400);
    assert.match(odd.body, /no parameter \\"top_k\\"/);
    assert.equal((await predict({ instances: [] })).status, 400);
    assert.equal((await predict({ rows })).status, 400);
  });
});
