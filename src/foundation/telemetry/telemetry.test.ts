import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GyreError, hasCode, manualClock } from '#core';
import { createLogger, createMetrics, exposed, formatTraceparent, merged, parseTraceparent, startTrace, watchProcess } from './index.ts';

interface Line {
  readonly [key: string]: unknown;
}

function loggingInto(lines: Line[], level: 'info' | 'debug' = 'info') {
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Line) };
  return createLogger({ level, destination, bindings: { role: 'control' }, clock: manualClock(0) });
}

describe('the logger', () => {
  test('writes one JSON object a line, with instant, level, bindings and message', () => {
    const lines: Line[] = [];
    loggingInto(lines).child({ room: 'data' }).info({ rows: 3 }, 'ingested');
    assert.deepEqual(lines, [{ level: 'info', time: '1970-01-01T00:00:00.000Z', role: 'control', room: 'data', rows: 3, msg: 'ingested' }]);
  });

  test('keeps still below its level', () => {
    const lines: Line[] = [];
    loggingInto(lines).debug('detail');
    assert.deepEqual(lines, []);
    loggingInto(lines, 'debug').debug('detail');
    assert.equal(lines.length, 1);
  });

  test('lets no token, cookie, password or authorization header through', () => {
    const lines: Line[] = [];
    const secret = 'gyre_verysecret';
    const headers = { authorization: `Bearer ${secret}`, cookie: secret, 'set-cookie': [secret], accept: 'json' };
    loggingInto(lines).info({ token: secret, user: { password: secret, name: 'ann' }, req: { headers }, headers }, 'request');
    const text = JSON.stringify(lines);
    assert.ok(!text.includes(secret), text);
    assert.ok(text.includes('[redacted]') && text.includes('ann') && text.includes('json'));
  });

  test('shows an error with its code, details and cause', () => {
    const lines: Line[] = [];
    const cause = new Error('socket closed');
    loggingInto(lines).error({ err: new GyreError('UNAVAILABLE', 'no database', { host: 'h' }, { cause }) }, 'failed');
    const [{ err }] = lines;
    assert.ok(typeof err === 'object' && err !== null && 'cause' in err && 'stack' in err);
    assert.partialDeepStrictEqual(err, {
      type: 'GyreError',
      code: 'UNAVAILABLE',
      message: 'no database',
      details: { host: 'h' },
      cause: { message: 'socket closed' },
    });
  });
});

describe('the metrics', () => {
  test('are exposed in the text format, with the labels escaped', () => {
    const metrics = createMetrics();
    const requests = metrics.counter({ name: 'requests_total', help: 'Requests\nby route \\ code.', labels: ['route', 'code'] });
    requests.inc({ route: '/a"b\\c\nd', code: '200' });
    requests.inc({ code: '200', route: '/a"b\\c\nd' }, 2);
    metrics.gauge({ name: 'depth', help: 'Depth.' }).set(-1.5);
    assert.equal(
      metrics.expose(),
      [
        '# HELP requests_total Requests\\nby route \\\\ code.',
        '# TYPE requests_total counter',
        String.raw`requests_total{route="/a\"b\\c\nd",code="200"} 3`,
        '# HELP depth Depth.',
        '# TYPE depth gauge',
        'depth -1.5',
        '',
      ].join('\n'),
    );
  });

  test('a histogram counts up to each bound, the bound included', () => {
    const metrics = createMetrics();
    const latency = metrics.histogram({ name: 'latency_seconds', help: 'Latency.', labels: ['lane'], buckets: [0.1, 1] });
    for (const value of [0.05, 0.1, 0.5, 7]) latency.observe(value, { lane: 'inline' });
    const lines = metrics.expose().split('\n').slice(2, -1);
    assert.deepEqual(lines, [
      'latency_seconds_bucket{lane="inline",le="0.1"} 2',
      'latency_seconds_bucket{lane="inline",le="1"} 3',
      'latency_seconds_bucket{lane="inline",le="+Inf"} 4',
      'latency_seconds_sum{lane="inline"} 7.65',
      'latency_seconds_count{lane="inline"} 4',
    ]);
  });

  test('infinities and NaN are written as the format says', () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge({ name: 'g', help: '', labels: ['of'] });
    gauge.set(Infinity, { of: 'up' });
    gauge.set(-Infinity, { of: 'down' });
    gauge.set(Number.NaN, { of: 'none' });
    assert.deepEqual(metrics.expose().split('\n').slice(2, 5), ['g{of="up"} +Inf', 'g{of="down"} -Inf', 'g{of="none"} NaN']);
  });

  test('asked for again are the same; by another type or other labels they are refused', () => {
    const metrics = createMetrics();
    const options = { name: 'a_total', help: 'A.', labels: ['x'] };
    assert.equal(metrics.counter(options), metrics.counter({ ...options }));
    const exists = (error: unknown) => hasCode(error, 'ALREADY_EXISTS');
    assert.throws(() => metrics.gauge(options), exists);
    assert.throws(() => metrics.counter({ ...options, labels: ['y'] }), exists);
  });

  test('names, labels and values outside of the format are refused', () => {
    const metrics = createMetrics();
    const invalid = (error: unknown) => hasCode(error, 'INVALID_ARGUMENT');
    assert.throws(() => metrics.counter({ name: '1st', help: '' }), invalid);
    assert.throws(() => metrics.counter({ name: 'a', help: '', labels: ['b-c'] }), invalid);
    assert.throws(() => metrics.histogram({ name: 'h', help: '', labels: ['le'] }), invalid);
    assert.throws(() => metrics.histogram({ name: 'h', help: '', buckets: [2, 1] }), invalid);
    const counter = metrics.counter({ name: 'c_total', help: '', labels: ['x'] });
    assert.throws(() => counter.inc({}), invalid);
    assert.throws(() => counter.inc({ x: '1', y: '2' }), invalid);
    assert.throws(() => counter.inc({ x: '1' }, -1), invalid);
  });

  test('of the process are brought up to date at each exposition', () => {
    const metrics = createMetrics();
    using _watch = watchProcess(metrics);
    const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(metrics.expose())?.[1]);
    assert.ok(value('process_resident_memory_bytes') > 10_000_000);
    assert.ok(value('process_cpu_seconds_total') > 0);
    assert.ok(Math.abs(value('process_start_time_seconds') - Date.now() / 1000) < 86_400);
    assert.match(metrics.expose(), /nodejs_eventloop_lag_seconds\{quantile="0.99"\} [\d.e-]+\n/);
  });
});

describe('the trace context', () => {
  const header = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  test('is read from and written to a traceparent header', () => {
    const context = parseTraceparent(header);
    assert.deepEqual(context, { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true });
    assert.ok(context !== undefined);
    assert.equal(formatTraceparent(context), header);
  });

  test('ignores what is no valid header', () => {
    const zeros = '0'.repeat(32);
    for (const bad of [
      undefined,
      '',
      'x',
      header.toUpperCase(),
      header.slice(1),
      `${header}-00`,
      `ff${header.slice(2)}`,
      `00-${zeros}-b7ad6b7169203331-01`,
      `00-0af7651916cd43dd8448eb211c80319c-${zeros.slice(16)}-01`,
    ]) {
      assert.equal(parseTraceparent(bad), undefined, String(bad));
    }
  });

  test('takes a later version with more fields, as the specification says', () => {
    assert.equal(parseTraceparent(`01${header.slice(2)}-more`)?.sampled, true);
  });

  test('a new span stays in its parent’s trace', () => {
    let count = 0;
    const bytes = (length: number) => new Uint8Array(length).fill(++count);
    const parent = startTrace(bytes);
    const child = startTrace(bytes, parent);
    assert.equal(child.traceId, parent.traceId);
    assert.notEqual(child.spanId, parent.spanId);
    assert.throws(() => startTrace((length) => new Uint8Array(length)), /only zeros/);
  });
});

describe('metrics of several threads', () => {
  test('are put together by what each is: counts are added up, gauges as they say', () => {
    const registries = [3, 5].map((value) => {
      const metrics = createMetrics();
      metrics.counter({ name: 'a_total', help: 'counted', labels: ['k'] }).inc({ k: 'both' }, value);
      if (value === 5) metrics.counter({ name: 'a_total', help: 'counted', labels: ['k'] }).inc({ k: 'one "of" them' }, 7);
      metrics.gauge({ name: 'b', help: 'added up' }).set(value);
      metrics.gauge({ name: 'c', help: 'the largest', across: 'max' }).set(value);
      metrics.gauge({ name: 'd', help: 'the least', across: 'min' }).set(value);
      const seconds = metrics.histogram({ name: 'e_seconds', help: 'spread', buckets: [1, 4] });
      seconds.observe(value);
      seconds.observe(0.5);
      if (value === 3) metrics.gauge({ name: 'f', help: 'of one alone' }).set(-1);
      return metrics.collect();
    });
    assert.equal(
      exposed(merged(registries)),
      [
        '# HELP a_total counted',
        '# TYPE a_total counter',
        'a_total{k="both"} 8',
        'a_total{k="one \\"of\\" them"} 7',
        '# HELP b added up',
        '# TYPE b gauge',
        'b 8',
        '# HELP c the largest',
        '# TYPE c gauge',
        'c 5',
        '# HELP d the least',
        '# TYPE d gauge',
        'd 3',
        '# HELP e_seconds spread',
        '# TYPE e_seconds histogram',
        'e_seconds_bucket{le="1"} 2',
        'e_seconds_bucket{le="4"} 3',
        'e_seconds_bucket{le="+Inf"} 4',
        'e_seconds_sum 9',
        'e_seconds_count 4',
        '# HELP f of one alone',
        '# TYPE f gauge',
        'f -1',
        '',
      ].join('\n'),
    );
    assert.equal(exposed(structuredClone(merged([registries[0]]))), exposed(registries[0]));
  });
});
