import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { PredictAnswer, ReleaseManifest } from '#contract';
import { canonicalJson, sha256 } from '#core';
import { putSample, readSegment, sampleManifest, samplePackage, writeSampleFolder } from '#serving';
import { runInference } from './inference.ts';
import type { RunningInference } from './inference.ts';

const row = { tenure: 10, charges: 50, senior: true, contract: 'One year' };
const main = join(import.meta.dirname, 'inference-main.ts');

interface Reply {
  readonly status: number;
  readonly body: PredictAnswer & { readonly error?: string };
}

async function predict(address: string, body: unknown = { rows: [row] }, headers: Record<string, string> = {}): Promise<Reply> {
  const response = await fetch(`${address}/predict/churn`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: response.status, body: (await response.json()) as Reply['body'] };
}

describe('a data plane with its routes', () => {
  let root = '';
  let running: RunningInference;
  let address = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-inference-'));
    const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    const sample = samplePackage({ threshold: 0.9 });
    await putSample(blobs, sample);
    await writeFile(
      join(root, 'manifest.json'),
      JSON.stringify(sampleManifest(sample, 1, { limits: { maxBodyBytes: 50_000, maxRows: 100 } })),
    );
    running = await runInference({
      manifest: join(root, 'manifest.json'),
      blobs: join(root, 'blobs'),
      unsigned: true,
      port: 0,
      spool: join(root, 'log'),
      logLevel: 'silent',
    });
    ({ address } = running);
  });
  after(async () => {
    await running.drain();
    await rm(root, { recursive: true, force: true });
  });

  test('answers named columns with label, probabilities and an id that is in the log by then', async () => {
    const { status, body } = await predict(address, {
      rows: [row, { ...row, charges: null, contract: 'unheard of' }],
      keys: ['a', 'b'],
      eventTime: '2026-03-01T12:00:00+02:00',
    });
    assert.equal(status, 200);
    const [first, second] = body.predictions;
    const expected = 1 / (1 + Math.exp(-(0.5 - 0.5 + 1 + 0.3)));
    assert.ok(Math.abs((first.probabilities?.Yes ?? 0) - expected) < 1e-6);
    assert.deepEqual([body.model, body.version, first.label, second.label], ['churn-model', '1', 'No', 'No']);
    const [path] = await running.plane.flush();
    const { predictions } = await readSegment(path);
    const logged = predictions.find(({ id }) => id === second.id);
    assert.deepEqual(
      [logged?.key, logged?.eventTime, logged?.inputs.contract, logged?.inputs.charges],
      ['b', '2026-03-01T10:00:00.000Z', 'unheard of', null],
    );
  });

  test('answers 400 to rows that do not fit, naming row and column', async () => {
    const { tenure: _, ...lacking } = row;
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [{ rows: [row, lacking] }, /row 1 lacks the column "tenure"/],
      [{ rows: [{ ...row, colour: 'red' }] }, /"colour" that the model does not take/],
      [{ rows: [{ ...row, charges: 'many' }] }, /column "charges": the string "many" was found, a number is wanted/],
      [{ rows: [{ ...row, contract: 5 }] }, /column "contract"/],
      [{ rows: [{ ...row, tenure: null }] }, /column "tenure": null/],
      [{ rows: [{ ...row, charges: [1] }] }, /row 0, column "charges"/],
      [{ rows: [] }, /"rows" is empty/],
      [{ rows: [5] }, /row 0 must be an object/],
      [{ rows: row }, /"rows" must be an array/],
      [{ rows: [row], rwos: 1 }, /the body has "rwos"; it may have rows, eventTime, keys/],
      [{ rows: [row], keys: ['a', 'b'] }, /2 keys for 1 rows/],
      [{ rows: [row], keys: [1] }, /keys must be an array of strings/],
      [{ rows: [row], eventTime: '2026-03-01' }, /event time must be an instant/],
      ['{"rows":[{"__proto__":1}]}', /"__proto__"/],
      ['nonsense', /no JSON/],
    ];
    for (const [body, message] of cases) {
      const reply = await predict(address, body);
      assert.equal(reply.status, 400, JSON.stringify(body));
      assert.match(reply.body.error ?? '', message);
    }
    assert.equal((await predict(address, { rows: Array.from({ length: 101 }, () => row) })).status, 413);
  });

  test('stops reading a body at the limit, also one that does not say its length', async () => {
    const { port } = new URL(address);
    const sent = httpRequest({
      port,
      method: 'POST',
      path: '/predict/churn',
      headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    });
    const answered = once(sent, 'response');
    sent.on('error', () => undefined);
    for (let k = 0; k < 40; k++) sent.write(' '.repeat(2000));
    const [response] = (await answered) as unknown[];
    assert.ok(response instanceof IncomingMessage);
    assert.equal(response.statusCode, 413);
    sent.destroy();
    const claimed = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write(
          'POST /predict/churn HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\nexpect: 100-continue\r\n\r\n',
        ),
      );
      socket.once('data', (data) => {
        resolve(String(data));
        socket.destroy();
      });
    });
    assert.match(claimed, /^HTTP\/1.1 413 /);
    assert.equal((await predict(address)).status, 200);
  });

  test('sends header and body of an answer in one piece', async () => {
    const { port } = new URL(address);
    const body = JSON.stringify({ rows: [row] });
    const pieces = await new Promise<string[]>((resolve) => {
      const seen: string[] = [];
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write(
          `POST /predict/churn HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        ),
      );
      socket.on('data', (data) => seen.push(String(data)));
      socket.on('close', () => resolve(seen));
    });
    assert.equal(pieces.length, 1);
    assert.match(pieces[0], /^HTTP\/1.1 200 [\s\S]*"predictions"/);
  });

  test('does not answer web pages of others, nor to names that are not its own', async () => {
    const status = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = httpRequest({ port: new URL(address).port, path: '/v2', headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        sent.on('error', reject).end();
      });
    assert.equal(await status({ host: 'evil.example' }), 403);
    assert.equal(await status({ host: 'localhost:1' }), 200);
    assert.equal(await status({ host: 'localhost:1', origin: 'https://evil.example' }), 403);
    assert.equal(await status({ host: 'localhost:1', origin: 'http://localhost:1' }), 200);
  });

  test('counts what it answered', async () => {
    await predict(address);
    const text = await (await fetch(`${address}/metrics`)).text();
    assert.match(text, /gyre_http_requests_total\{route="predict",code="200"\} [1-9]/);
    assert.match(text, /gyre_http_requests_total\{route="predict",code="400"\} [1-9]/);
    assert.match(text, /gyre_inference_rows_total\{model="churn-model",version="1"\} [1-9]/);
    assert.match(text, /gyre_batch_rows_count\{model="churn-model"\} [1-9]/);
    assert.match(text, /gyre_manifest_generation 1\n/);
    assert.match(text, /gyre_ready 1\n/);
  });

  test('asks for a token where the manifest names one, but not of probes', async () => {
    const sample = samplePackage({ threshold: 0.9 });
    const file = join(root, 'tokens.json');
    await writeFile(file, JSON.stringify(sampleManifest(sample, 1, { tokenHashes: [sha256('other'), sha256('secret')] })));
    const guarded = await runInference({ manifest: file, blobs: join(root, 'blobs'), unsigned: true, port: 0, logLevel: 'silent' });
    const body = { rows: [row] };
    assert.equal((await predict(guarded.address, body)).status, 401);
    assert.equal((await predict(guarded.address, body, { authorization: 'Bearer wrong' })).status, 401);
    assert.equal((await predict(guarded.address, body, { authorization: 'Bearer secret' })).status, 200);
    assert.equal((await fetch(`${guarded.address}/metrics`)).status, 401);
    assert.equal((await fetch(`${guarded.address}/v2/health/ready`)).status, 200);
    await guarded.drain();
  });

  test('refuses to start where that would be unsafe or cannot work, with the reason', async () => {
    const blobs = join(root, 'blobs');
    const manifest = join(root, 'manifest.json');
    const options = { manifest, blobs, port: 0, logLevel: 'silent' as const };
    await assert.rejects(runInference(options), { code: 'INVALID_ARGUMENT', message: /--public-key FILE/ });
    await assert.rejects(runInference({ ...options, unsigned: true, host: '0.0.0.0' }), {
      code: 'FAILED_PRECONDITION',
      message: /plain HTTP/,
    });
    await assert.rejects(runInference({ ...options, unsigned: true, host: '0.0.0.0', insecureHttp: true }), {
      code: 'FAILED_PRECONDITION',
      message: /no tokens/,
    });
    await assert.rejects(runInference({ port: 0 }), { code: 'INVALID_ARGUMENT', message: /nothing to serve/ });
    await assert.rejects(runInference({ ...options, unsigned: true, port: Number(new URL(address).port) }), {
      code: 'FAILED_PRECONDITION',
      message: /in use by another process/,
    });
  });
});

interface Child extends AsyncDisposable {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<unknown[]>;
  line(): Promise<Record<string, unknown>>;
  say(command: object): Promise<Record<string, unknown>>;
}

function start(...args: string[]): Child {
  const child = spawn(process.execPath, [main, '--port', '0', '--log-level', 'silent', ...args], { stdio: 'pipe' });
  child.stderr.resume();
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'exit');
  const line = async (): Promise<Record<string, unknown>> => JSON.parse((await lines.next()).value ?? '{}') as Record<string, unknown>;
  return {
    process: child,
    ended,
    line,
    say: (command) => {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return line();
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe('a data plane as a process', () => {
  let root = '';
  let n = 0;
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const first = samplePackage();
  const second = samplePackage({ bias: -3 });
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-inference-'));
    const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    for (const sample of [first, second]) await putSample(blobs, sample);
    await writeFile(join(root, 'key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    await writeSampleFolder(join(root, 'churn'), first);
  });
  after(() => rm(root, { recursive: true, force: true }));
  const signed = async (manifest: ReleaseManifest): Promise<string> => {
    const file = join(root, `manifest-${n++}.json`);
    const signature = sign(null, Buffer.from(canonicalJson(manifest)), privateKey).toString('base64');
    await writeFile(file, JSON.stringify({ manifest, keyId: 'test', signature }));
    return file;
  };
  const startSigned = async (manifest: ReleaseManifest, ...more: string[]): Promise<Child> =>
    start(
      '--manifest',
      await signed(manifest),
      '--blobs',
      join(root, 'blobs'),
      '--public-key',
      join(root, 'key.pem'),
      '--control',
      ...more,
    );

  test('swaps manifests on command under load without failing a request, and refuses a forged one', async () => {
    await using child = await startSigned(sampleManifest(first, 1));
    const ready = await child.line();
    assert.deepEqual([ready.event, ready.generation, ready.environment], ['ready', 1, 'production']);
    const address = String(ready.address);
    const versions = new Map<string, number>();
    let stop = false;
    const agent = new Agent({ keepAlive: true, maxSockets: 6 });
    const caller = async (): Promise<void> => {
      while (!stop) {
        const reply = await viaAgent(agent, address);
        assert.equal(reply.status, 200, reply.body.error ?? '');
        const yes = reply.body.predictions[0].probabilities?.Yes ?? 0;
        const bias = Number(reply.body.version) % 2 === 1 ? 0 : -3;
        assert.ok(Math.abs(yes - 1 / (1 + Math.exp(-(1.3 + bias)))) < 1e-6, `version ${reply.body.version} answered ${yes}`);
        versions.set(reply.body.version, (versions.get(reply.body.version) ?? 0) + 1);
      }
    };
    const callers = Array.from({ length: 6 }, caller);
    for (let generation = 2; generation <= 6; generation++) {
      const answer = await child.say({
        op: 'reload',
        id: generation,
        manifest: await signed(sampleManifest(generation % 2 === 1 ? first : second, generation)),
      });
      assert.deepEqual(answer, { id: generation, op: 'reload', ok: true, answer: 'loaded', generation });
    }
    const forged = join(root, 'forged.json');
    await writeFile(
      forged,
      JSON.stringify({ manifest: sampleManifest(first, 7), keyId: 'test', signature: Buffer.alloc(64).toString('base64') }),
    );
    const refused = await child.say({ op: 'reload', manifest: forged });
    assert.deepEqual([refused.ok, refused.answer], [false, 'refused']);
    assert.match(String(refused.reason), /not that of the pinned key/);
    assert.match(String((await child.say({ op: 'dance' })).reason), /no command/);
    while ((versions.get('6') ?? 0) < 20) await new Promise((resolve) => setImmediate(resolve));
    stop = true;
    await Promise.all(callers);
    agent.destroy();
    assert.ok(versions.size >= 2);
  });

  test('drains when the control pipe closes or on SIGTERM, and keeps serving when it may be detached', async () => {
    await using closed = await startSigned(sampleManifest(first, 1), '--spool', join(root, 'drained'));
    const address = String((await closed.line()).address);
    await predict(address);
    closed.process.stdin.end();
    assert.deepEqual(await closed.ended, [0, null]);
    await assert.rejects(predict(address));

    await using detached = await startSigned(sampleManifest(first, 1), '--detached-ok');
    const other = String((await detached.line()).address);
    detached.process.stdin.end();
    assert.equal((await predict(other)).status, 200);
    detached.process.kill('SIGTERM');
    assert.deepEqual(await detached.ended, [0, null]);
  });

  test('killed at once, has every answered prediction in its log, and the next process finishes the segment', async () => {
    const spool = join(root, 'killed');
    const ids: string[] = [];
    {
      await using child = await startSigned(sampleManifest(first, 1), '--spool', spool);
      const address = String((await child.line()).address);
      for (let k = 0; k < 50; k++) ids.push(...(await predict(address)).body.predictions.map(({ id }) => id));
      child.process.kill('SIGKILL');
      await child.ended;
    }
    await using next = await startSigned(sampleManifest(first, 2), '--spool', spool);
    await next.line();
    const { segments } = await next.say({ op: 'flush' });
    assert.ok(Array.isArray(segments) && segments.length === 1);
    const { predictions } = await readSegment(String(segments[0]));
    assert.deepEqual(
      predictions.map(({ id }) => id),
      ids,
    );
  });

  test('serves a package folder on its own, and says what it cannot serve by exit code and reason', async () => {
    await using child = start('--model', join(root, 'churn'), '--control');
    const { address } = await child.line();
    assert.equal((await predict(String(address))).body.model, 'churn');
    const stats = await child.say({ op: 'stats', id: 'x' });
    assert.deepEqual([stats.id, stats.ok], ['x', true]);
    await using bad = start('--model', join(root, 'blobs'), '--control');
    const failed = await bad.line();
    assert.deepEqual([failed.event, failed.code], ['failed', 'INVALID_ARGUMENT']);
    assert.deepEqual((await bad.ended)[0], 2);
    await using unknown = start('--nonsense');
    assert.deepEqual((await unknown.ended)[0], 2);
  });

  test('loads no database, no DuckDB and no web framework', async () => {
    // Every module that is loaded, static or dynamic, ES or CommonJS, passes the hook; `process.moduleLoadList` names Node's own.
    const hook = `import { registerHooks } from 'node:module';
      const seen = [];
      registerHooks({ load: (url, context, next) => { seen.push(url); return next(url, context); } });
      process.on('exit', () => process.stderr.write('LOADED ' + JSON.stringify([...seen, ...process.moduleLoadList]) + '\\n'));`;
    const child = spawn(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, main, '--model', join(root, 'churn'), '--port', '0', '--control'],
      { stdio: 'pipe' },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const [line] = (await once(child.stdout, 'data')) as unknown[];
    const { address } = JSON.parse(String(line)) as { readonly address: string };
    assert.equal((await predict(address)).status, 200);
    child.stdin.end();
    await once(child, 'close');
    const loaded = JSON.parse(said.slice(said.indexOf('LOADED ') + 7)) as string[];
    assert.ok(
      loaded.some((name) => name.includes('onnxruntime-node')) && loaded.some((name) => name.endsWith('/src/deploy/serving/plane.ts')),
    );
    const walls =
      /duckdb|node:sqlite|NativeModule sqlite|kysely|fastify|\/node_modules\/pg\/|src\/foundation\/(store|events|access|tables)\/|src\/(build|monitor)\//;
    assert.deepEqual(
      loaded.filter((name) => walls.test(name)),
      [],
    );
  });
});

function viaAgent(agent: Agent, address: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      `${address}/predict/churn`,
      { agent, method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Reply['body'] }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject).end(JSON.stringify({ rows: [row] }));
  });
}
