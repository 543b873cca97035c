import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { GyreError } from '#core';
import { exitCodes, runCli } from './index.ts';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** A platform and its data plane as the command line meets them: answers by path, and what was asked. */
class RemoteGyre implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** Paths that answer 401 without a token. */
  readonly needsToken = new Set<string>();
  readonly answers = new Map<string, { readonly status: number; readonly body: unknown }>();
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const { method = '', url: path = '' } = request;
      const { authorization } = request.headers;
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      this.asked.push({ method, path, authorization, body });
      const refused = this.needsToken.has(path) && authorization === undefined;
      const known = refused ? { status: 401, body: { error: 'a token is needed' } } : this.answers.get(path);
      const answer = known ?? { status: 404, body: { detail: `no ${path}`, code: 'NOT_FOUND' } };
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });
  address = '';

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    this.address = `http://127.0.0.1:${port}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('asking the model and saying what happened, by command line', () => {
  let folder = '';
  let remote: RemoteGyre;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-cli-'));
    remote = await new RemoteGyre().listen();
    const { answers, address } = remote;
    const inputs = [
      { name: 'tenure', type: 'integer', datatype: 'INT64', required: true },
      { name: 'plan', type: 'string', datatype: 'BYTES', required: false },
    ];
    const live = { modelVersion: 'version-1' };
    answers.set('/api/v1/environments', { status: 200, body: { items: [{ name: 'production', endpoint: 'churn', address, live }] } });
    answers.set('/api/v1/model-versions/version-1', { status: 200, body: { signature: { inputs } } });
    const predictions = [{ id: '1-aaaaaaaa-1', label: 'Yes', probabilities: { Yes: 0.7 } }];
    answers.set('/predict/churn', { status: 200, body: { model: 'churn', version: '1', predictions } });
    answers.set('/api/v1/labels', { status: 200, body: { joined: 2, unchanged: 0, unmatched: 0 } });
  });
  afterEach(async () => {
    await remote[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const gyre = async (words: readonly string[], stdin = '') => {
    let out = '';
    let err = '';
    const code = await runCli([...words, '--server', remote.address], {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      environment: { GYRE_TOKEN: 'gyre_test' },
      folder,
      today: () => '2026-01-31',
      readStdin: () => Promise.resolve(stdin),
      app: () => Promise.reject(new GyreError('UNAVAILABLE', 'these tests have no platform')),
      signal: new AbortController().signal,
      version: '1.2.3',
    });
    return { code, out, err, last: remote.asked.at(-1) };
  };

  test('rows of a CSV go to the plane with the columns that the model takes, as the types that it takes', async () => {
    await writeFile(join(folder, 'two.csv'), 'id,tenure,plan,Churn\na,3,1,No\nb,4,2,Yes\n');
    const { code, out, err, last } = await gyre(['predict', '--rows', 'two.csv', '--set', 'tenure=60']);
    assert.equal(code, exitCodes.ok, err);
    assert.deepEqual(last?.body, {
      rows: [
        { tenure: 60, plan: '1' },
        { tenure: 60, plan: '2' },
      ],
    });
    assert.equal(last.authorization, undefined, 'it did not ask for a token');
    assert.match(err, /left out, since the model does not take them: id, Churn/);
    assert.match(out, /1-aaaaaaaa-1 +Yes +Yes 0\.7000/);
  });

  test('one row can be written by hand, its unknown values left empty', async () => {
    const { last } = await gyre(['predict', '--set', 'tenure=3', 'plan=']);
    assert.deepEqual(last?.body, { rows: [{ tenure: 3, plan: null }] });
    assert.match((await gyre(['predict'])).err, /name the rows to predict/);
    assert.match((await gyre(['predict', '--set', 'tenure'])).err, /"tenure" sets no column/);
  });

  test('a plane that asks for a token gets it', async () => {
    remote.needsToken.add('/predict/churn');
    const { code, last } = await gyre(['predict', '--set', 'tenure=3']);
    assert.deepEqual([code, last?.authorization], [exitCodes.ok, 'Bearer gyre_test']);
  });

  test('a refusal of the plane is told in its own words', async () => {
    remote.answers.set('/predict/churn', { status: 400, body: { error: 'row 0 lacks the column "plan"' } });
    const { code, err } = await gyre(['predict', '--set', 'tenure=3']);
    assert.deepEqual([code, err], [exitCodes.usage, 'error: row 0 lacks the column "plan"\n']);
  });

  test('labels come from a CSV, from JSON lines, or one by one', async () => {
    await writeFile(join(folder, 'labels.csv'), 'prediction,value\n1-aaaaaaaa-1,Yes\n1-aaaaaaaa-2,No\n');
    const labels = [
      { prediction: '1-aaaaaaaa-1', value: 'Yes' },
      { prediction: '1-aaaaaaaa-2', value: 'No' },
    ];
    assert.deepEqual((await gyre(['label', '--file', 'labels.csv'])).last?.body, { labels });
    await writeFile(join(folder, 'labels.jsonl'), labels.map((label) => JSON.stringify(label)).join('\n'));
    assert.deepEqual((await gyre(['label', '--file', 'labels.jsonl'])).last?.body, { labels });
    assert.deepEqual((await gyre(['label', '1-aaaaaaaa-1', '7'])).last?.body, { labels: [{ prediction: '1-aaaaaaaa-1', value: 7 }] });
    await writeFile(join(folder, 'other.csv'), 'id,outcome\n1,Yes\n');
    const refused = await gyre(['label', '--file', 'other.csv']);
    assert.deepEqual(
      [refused.code, refused.err],
      [exitCodes.usage, 'error: other.csv: row 1 is no label: the columns "prediction" and "value" are needed\n'],
    );
  });

  test('a password comes from standard input, never from the command line', async () => {
    remote.answers.set('/api/v1/identities/bea/password', { status: 200, body: { name: 'bea' } });
    const { code, last } = await gyre(['identity', 'password', 'bea'], 'correct horse battery\n');
    assert.deepEqual([code, last?.method, last?.body], [exitCodes.ok, 'PUT', { password: 'correct horse battery' }]);
    assert.equal((await gyre(['identity', 'password', 'bea'], '')).code, exitCodes.usage);
  });

  test('an identity that a program plays is made as such', async () => {
    remote.answers.set('/api/v1/identities', { status: 201, body: { name: 'robot', roles: ['qa'] } });
    const { last } = await gyre(['identity', 'add', 'robot', '--role', 'qa', '--simulated']);
    assert.deepEqual(last?.body, { name: 'robot', roles: ['qa'], simulated: true });
  });
});
