import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import type { PredictAnswer } from '#contract';
import { manualClock, seededBytes, sha256 } from '#core';
import { listSegments, readSegment, RequestObserver, samplePackage, writeSampleFolder } from '#serving';
import type { AccessEntry } from '#telemetry';

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

const row = { tenure: 10, charges: 50, senior: true, contract: 'One year' };
const traceId = 'a1'.repeat(16);
const callers = 'b2'.repeat(8);

describe('a data plane that is traced', () => {
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-traces-'));
    await writeSampleFolder(join(root, 'churn'), samplePackage());
  });
  after(() => rm(root, { recursive: true, force: true }));

  const start = async (env: Record<string, string>, ...words: string[]) => {
    const main = join(import.meta.dirname, 'inference-main.ts');
    const args = [main, '--model', join(root, 'churn'), '--port', '0', '--log-level', 'silent', '--control', ...words];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    const ended = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const said = JSON.parse(line) as { readonly address: string; readonly grpcAddress: string };
    return {
      ...said,
      end: async () => {
        child.stdin.end();
        await ended;
      },
      [Symbol.asyncDispose]: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
  };
  const predict = async (
    address: string,
    headers: Record<string, string> = {},
  ): Promise<{ readonly response: Response; readonly id: string }> => {
    const response = await fetch(`${address}/predict/churn?secret=in-a-query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ rows: [row, row] }),
    });
    return { response, id: ((await response.json()) as PredictAnswer).predictions[0].id };
  };

  test('sends spans of request, queue and run to the collector, answers with the trace, and writes its id down', async () => {
    const spans: SentSpan[] = [];
    const asked: string[] = [];
    const collector = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${request.headers['content-type']} ${request.headers['x-tenant']}`);
        const sent = JSON.parse(body) as { resourceSpans: [{ resource: { attributes: object[] }; scopeSpans: [{ spans: SentSpan[] }] }] };
        assert.ok(JSON.stringify(sent.resourceSpans[0].resource).includes('"key":"service.name","value":{"stringValue":"edge"}'));
        spans.push(...sent.resourceSpans[0].scopeSpans[0].spans);
        response.end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=seven',
      OTEL_SERVICE_NAME: 'edge',
    };
    const spool = join(root, 'log');
    await using plane = await start(env, '--spool', spool);
    const { response, id } = await predict(plane.address, {
      traceparent: `00-${traceId}-${callers}-01`,
      tracestate: 'vendor=1',
      'x-request-id': 'mine-7',
    });
    const [, ofTrace, ownSpan] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(response.headers.get('traceresponse') ?? '') ?? [];
    assert.equal(ofTrace, traceId);
    assert.notEqual(ownSpan, callers);
    assert.equal(response.headers.get('x-request-id'), 'mine-7');
    await predict(plane.address);
    // Not sampled by the caller: nothing is sent of it.
    await predict(plane.address, { traceparent: `00-${'c3'.repeat(16)}-${callers}-00` });

    const session = connect(plane.grpcAddress.replace('grpc:', 'http:'));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ServerMetadata',
      'content-type': 'application/grpc',
      te: 'trailers',
      traceparent: `00-${'d4'.repeat(16)}-${callers}-01`,
    });
    let rpcResponse: unknown;
    stream.on('response', (headers) => (rpcResponse = headers['traceresponse']));
    stream.end(Buffer.alloc(5));
    stream.resume();
    await once(stream, 'close');
    session.close();
    assert.match(String(rpcResponse), new RegExp(`^00-${'d4'.repeat(16)}-[0-9a-f]{16}-01$`));
    await plane.end();
    collector.close();

    assert.ok(
      asked.every((line) => line === 'POST /v1/traces application/json seven'),
      asked.join('\n'),
    );
    const mine = spans.filter((span) => span.traceId === traceId);
    assert.deepEqual(mine.map(({ name }) => name).toSorted(), ['POST predict', 'queue', 'run']);
    const server = mine.find(({ name }) => name === 'POST predict');
    assert.deepEqual([server?.spanId, server?.parentSpanId, server?.traceState, server?.kind], [ownSpan, callers, 'vendor=1', 2]);
    assert.ok(server?.attributes.some(({ key, value }) => key === 'gyre.prediction_id' && JSON.stringify(value).includes(id)));
    const run = mine.find(({ name }) => name === 'run');
    assert.equal(run?.parentSpanId, ownSpan);
    assert.ok(BigInt(run?.startTimeUnixNano ?? 0) >= BigInt(server?.startTimeUnixNano ?? 0));
    assert.ok(BigInt(run?.endTimeUnixNano ?? 0) <= BigInt(server?.endTimeUnixNano ?? 0));
    assert.ok(!spans.some((span) => span.traceId === 'c3'.repeat(16)));
    assert.equal(spans.filter(({ name }) => name === 'POST predict').length, 2, 'one began here');
    assert.ok(spans.some((span) => span.traceId === 'd4'.repeat(16)));

    const logged = (await Promise.all((await listSegments(spool)).map((path) => readSegment(path)))).flatMap(
      ({ predictions }) => predictions,
    );
    assert.equal(logged.find((prediction) => prediction.id === id)?.traceId, traceId);
  });

  test('shows the worker thread that ran a request, and with how many it shared that', async () => {
    const spans: SentSpan[] = [];
    const collector = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        const sent = JSON.parse(body) as { resourceSpans: [{ scopeSpans: [{ spans: SentSpan[] }] }] };
        spans.push(...sent.resourceSpans[0].scopeSpans[0].spans);
        response.end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` };
    await using plane = await start(env, '--lane', 'workers');
    await predict(plane.address, { traceparent: `00-${traceId}-${callers}-01` });
    await plane.end();
    collector.close();
    const [run, worker] = ['run', 'worker'].map((name) => spans.find((span) => span.name === name));
    assert.ok(run !== undefined && worker !== undefined);
    assert.deepEqual([worker.traceId, worker.parentSpanId], [traceId, run.spanId]);
    assert.ok(
      BigInt(worker.startTimeUnixNano) >= BigInt(run.startTimeUnixNano) && BigInt(worker.endTimeUnixNano) <= BigInt(run.endTimeUnixNano),
    );
    const said = (span: SentSpan, key: string): string => JSON.stringify(span.attributes.find((attribute) => attribute.key === key)?.value);
    assert.match(said(worker, 'thread.id'), /"[1-9]\d*"/);
    assert.equal(said(run, 'gyre.batch.rows'), '{"intValue":"2"}');
    assert.equal(said(run, 'gyre.batch.requests'), '{"intValue":"1"}');
  });

  test('answers on when its collector does not, and ends', async () => {
    await using plane = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_BSP_MAX_QUEUE_SIZE: '6' });
    for (let k = 0; k < 10; k++) assert.equal((await predict(plane.address)).response.status, 200);
    const metrics = await (await fetch(`${plane.address}/metrics`)).text();
    assert.match(metrics, /^gyre_spans_dropped_total [1-9]\d*$/m);
    await plane.end();
  });

  test('writes a line for each request without what it said, when asked to', async () => {
    const file = join(root, 'logs', 'access.log');
    await using plane = await start({}, '--access-log', file);
    const { id } = await predict(plane.address, { 'x-request-id': 'r-1', traceparent: `00-${traceId}-${callers}-01` });
    await fetch(`${plane.address}/nowhere?card=4111`, { headers: { 'x-request-id': 'bad id' } });
    await plane.end();
    const text = await readFile(file, 'utf8');
    const [first, second, ...more] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(more.length, 0);
    const { time, ms, bytes, ...stable } = first;
    assert.deepEqual(stable, {
      level: 'info',
      route: 'predict',
      status: 200,
      model: 'churn',
      version: '1',
      rows: 2,
      requestId: 'r-1',
      predictionId: id,
      traceId,
    });
    assert.ok(typeof time === 'string' && Number(ms) > 0 && Number(bytes) > 50);
    assert.deepEqual([second.route, second.status, second.requestId], ['unknown', 404, undefined]);
    assert.doesNotMatch(text, /One year|secret|4111|tenure/);
  });

  test('names the token in the access log by the first digits of its hash alone', () => {
    const lines: AccessEntry[] = [];
    const observer = new RequestObserver({
      elapsed: () => 30,
      clock: manualClock(0),
      randomBytes: seededBytes(1),
      access: { write: (entry) => lines.push(entry) },
    });
    const answered = {
      route: 'infer',
      protocol: 'gRPC',
      method: 'm',
      status: 16,
      isError: false,
      receivedMs: 10,
      caller: sha256('secret'),
    } as const;
    observer.end({ ...answered, note: observer.begin({}) });
    observer.end({ ...answered, note: observer.begin({}), caller: '' });
    assert.deepEqual(
      [lines[0].token, lines[0].route, lines[0].ms, lines[1].token],
      [sha256('secret').slice(0, 8), 'grpc infer', 20, undefined],
    );
  });
});
