import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { gyre, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { pythonFile, pythonMissing, runPython } from './python.ts';

interface Saved {
  readonly rows: readonly { readonly a: number; readonly b: number; readonly kind: string }[];
}

interface Said {
  readonly status: number;
  readonly predictions: unknown;
  readonly code: unknown;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** MLflow's server starts in ten seconds on a quiet machine, and in minutes on a busy one. */
const longestMs = 1_200_000;

/** `mlflow models serve` of a model folder. */
async function mlflowServer(folder: string): Promise<{ readonly address: string; readonly end: () => Promise<void> }> {
  const port = await freePort();
  const words = ['-m', 'mlflow', 'models', 'serve', '-m', folder, '--env-manager', 'local', '--host', '127.0.0.1', '--port', String(port)];
  const child = spawn(pythonFile, [...words, '--workers', '1'], {
    env: {
      ...process.env,
      PATH: `${dirname(pythonFile)}:${process.env['PATH']}`,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      GIT_PYTHON_REFRESH: 'quiet',
    },
    // It starts a shell that starts the server.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  const ended = once(child, 'exit');
  const address = `http://127.0.0.1:${port}`;
  const end = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await ended;
  };
  for (let waited = 0; waited < longestMs / 2; waited += 250) {
    const answer = await fetch(`${address}/ping`).catch(() => undefined);
    if (answer?.ok === true) return { address, end };
    if (child.exitCode !== null) break;
    await sleep(250);
  }
  await end();
  assert.fail(`mlflow models serve did not answer: ${said}`);
}

describe('the scoring protocol, beside `mlflow models serve` of the same model', { skip: pythonMissing, timeout: longestMs }, () => {
  let stack: AsyncDisposableStack;
  let saved: Saved;
  const places: { theirs: string; ours: string; converted: string } = { theirs: '', ours: '', converted: '' };
  before(
    async () => {
      stack = new AsyncDisposableStack();
      const cwd = stack.use(await temporaryFolder()).path;
      saved = await runPython<Saved>('python_models_peer.py', { act: 'convertible', folder: cwd }, { timeoutMs: 300_000 });
      const serve = async (...words: readonly string[]): Promise<string> => {
        const plane = stack.use(start(['serve', '--port', '0', '--grpc-port', 'off', ...words], { cwd }));
        const [, address] = await plane.line(/ at (http:\S+)/);
        return address;
      };
      const graph = async (): Promise<string> => {
        await writeFile(join(cwd, 'rows.json'), JSON.stringify(saved.rows));
        const { code, stderr } = await gyre(['convert', 'mixed', '--output', 'graph', '--python', pythonFile, '--rows', 'rows.json'], {
          cwd,
        });
        assert.equal(code, 0, stderr);
        return serve('--model', 'graph');
      };
      const mlflow = async (): Promise<string> => {
        const { address, end } = await mlflowServer(join(cwd, 'mixed'));
        stack.defer(end);
        return address;
      };
      const own = serve('--model', 'mixed', '--python', pythonFile, '--python-cache', join(cwd, 'cache'));
      [places.theirs, places.ours, places.converted] = await Promise.all([mlflow(), own, graph()]);
    },
    { timeout: longestMs },
  );
  after(() => stack.disposeAsync());

  const ask = async (address: string, body: string, type?: string): Promise<Said> => {
    const answer = await fetch(`${address}/invocations`, {
      method: 'POST',
      body: Buffer.from(body),
      headers: type === undefined ? {} : { 'content-type': type },
    });
    const text = await answer.text();
    let said: unknown;
    try {
      said = JSON.parse(text);
    } catch {
      said = undefined;
    }
    const member = (name: string): unknown => (typeof said === 'object' && said !== null ? Reflect.get(said, name) : undefined);
    return { status: answer.status, predictions: member('predictions'), code: member('error_code') };
  };
  const names = ['a', 'b', 'kind'] as const;
  const some = (): Saved['rows'] => saved.rows.slice(0, 7);
  const cells = (): unknown[][] => some().map((row) => names.map((name) => row[name]));

  test('answers the same to each form that the table may have', async () => {
    for (const [form, body, type] of [
      ['dataframe_split', JSON.stringify({ dataframe_split: { columns: names, data: cells() } }), 'application/json'],
      ['split with its index', JSON.stringify({ dataframe_split: { index: [0, 1, 2, 3, 4, 5, 6], columns: names, data: cells() } }), 'application/json'], // prettier-ignore
      ['dataframe_records', JSON.stringify({ dataframe_records: some() }), 'application/json; charset=utf-8'],
      ['columns in another order', JSON.stringify({ dataframe_split: { columns: ['kind', 'a', 'b'], data: some().map((row) => [row.kind, row.a, row.b]) } }), 'application/json'], // prettier-ignore
      ['a column too many', JSON.stringify({ dataframe_records: some().map((row) => ({ ...row, more: 1 })) }), 'application/json'],
      ['inputs', JSON.stringify({ inputs: Object.fromEntries(names.map((name) => [name, some().map((row) => row[name])])) }), 'application/json'], // prettier-ignore
      ['instances', JSON.stringify({ instances: some() }), 'application/json'],
      [
        'a number where a text is taken',
        JSON.stringify({ dataframe_records: some().map((row) => ({ ...row, kind: 3 })) }),
        'application/json',
      ],
      ['parameters beside it', JSON.stringify({ dataframe_records: some(), params: { a: 1 } }), 'application/json'],
      ['CSV', [names.join(','), ...cells().map((row) => row.join(','))].join('\n'), 'text/csv'],
    ] as const) {
      const theirs = await ask(places.theirs, body, type);
      assert.equal(theirs.status, 200, form);
      assert.equal((theirs.predictions as readonly unknown[]).length, 7);
      assert.deepEqual(await ask(places.ours, body, type), theirs, form);
      assert.deepEqual(await ask(places.converted, body, type), theirs, `${form}, of its graph`);
    }
  });

  test('refuses the same, with the same status', async () => {
    for (const [what, body, type] of [
      ['no JSON', '{"dataframe_split": ', 'application/json'],
      ['nothing that is known', JSON.stringify({ rows: some() }), 'application/json'],
      ['two forms at once', JSON.stringify({ dataframe_records: some(), instances: some() }), 'application/json'],
      ['a list', JSON.stringify(some()), 'application/json'],
      ['a column too few', JSON.stringify({ dataframe_split: { columns: ['a', 'kind'], data: [[1, 'x']] } }), 'application/json'],
      ['a text for a number', JSON.stringify({ dataframe_split: { columns: names, data: [['much', 1, 'x']] } }), 'application/json'],
      ['another type', JSON.stringify({ dataframe_records: some() }), 'text/plain'],
    ] as const) {
      const theirs = await ask(places.theirs, body, type);
      const ours = await ask(places.ours, body, type);
      assert.equal(ours.status, theirs.status, `${what}: ${JSON.stringify([theirs, ours])}`);
    }
  });

  test('answers the same probes', async () => {
    for (const path of ['/ping', '/health', '/version']) {
      const [theirs, ours] = await Promise.all([fetch(places.theirs + path), fetch(places.ours + path)]);
      await Promise.all([theirs.text(), ours.text()]);
      assert.equal(ours.status, theirs.status, path);
    }
  });
});
