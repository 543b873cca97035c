import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import type { DatasetIngestion } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

describe('the event stream', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());

  interface Message {
    readonly id?: string;
    readonly event?: string;
    readonly data?: string;
  }
  async function* listen(headers: Record<string, string> = {}, signal?: AbortSignal): AsyncGenerator<Message> {
    const response = await fetch(`${bench.address}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${bench.tokens.qa}`, ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.ok(response.body !== null);
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = text
          .slice(0, end)
          .split('\n')
          .map((line) => /^(\w+): (.*)$/.exec(line));
        text = text.slice(end + 2);
        yield Object.fromEntries(fields.flatMap((field) => (field === null ? [] : [[field[1], field[2]]])));
      }
    }
  }
  const makeIdentity = (name: string) =>
    bench.ask('/api/v1/identities', { method: 'POST', token: bench.tokens.admin, body: { name, roles: ['stakeholder'] } });

  test('tells what happens from now on, then, after a loss, everything since', async () => {
    const ended = new AbortController();
    const heard: Message[] = [];
    for await (const message of listen({}, ended.signal)) {
      // The first message says how soon to come back: the stream is open.
      if ('retry' in message) await makeIdentity('first');
      if (message.id === undefined) continue;
      heard.push(message);
      break;
    }
    ended.abort();
    assert.match(heard[0].data ?? '', /"identity\.created|identity\.created/);
    await makeIdentity('second');
    await makeIdentity('third');
    const names: string[] = [];
    for await (const { id, data } of listen({ 'last-event-id': heard[0].id ?? '' })) {
      if (id === undefined) continue;
      names.push((JSON.parse(data ?? '') as { data: { name: string } }).data.name);
      if (names.length === 2) break;
    }
    assert.deepEqual(names, ['second', 'third']);
  });

  test('tells the progress of pipelines by name, beside the events', async () => {
    const progress: { kind: string; message?: string }[] = [];
    for await (const message of listen()) {
      if ('retry' in message) {
        await bench.ask('/api/v1/pipeline-runs', { method: 'POST', token: bench.tokens['ml-engineer'], body: {} });
      }
      if (message.event !== 'progress') continue;
      const signal = JSON.parse(message.data ?? '') as { kind: string; message?: string };
      progress.push(signal);
      if (signal.kind === 'run') break;
    }
    assert.ok(progress.some(({ kind, message }) => kind === 'progress' && message === 'half-way'));
  });

  test('tells of ingestions while they go on and when they have ended; one is begun with 202 and its record', async () => {
    const told: DatasetIngestion[] = [];
    let begun: DatasetIngestion | undefined;
    for await (const message of listen()) {
      if ('retry' in message) {
        const response = await bench.ask('/api/v1/dataset-ingestions', {
          method: 'POST',
          token: bench.tokens['data-scientist'],
          body: { dataset: 'customers' },
        });
        assert.equal(response.status, 202);
        begun = (await response.json()) as DatasetIngestion;
      }
      if (message.event !== 'progress') continue;
      const signal = JSON.parse(message.data ?? '') as { kind: string; ingestion: DatasetIngestion };
      if (signal.kind !== 'ingestion') continue;
      told.push(signal.ingestion);
      if (signal.ingestion.progress === undefined) break;
    }
    assert.deepEqual([begun?.dataset, begun?.outcome, begun?.progress], ['customers', undefined, { phase: 'reading' }]);
    assert.ok(told.every(({ id }) => id === begun?.id));
    const last = told.at(-1);
    assert.match(last?.outcome ?? '', /^(new|unchanged)$/);
    const asked = async (method: string): Promise<unknown> => {
      const response = await bench.ask(`/api/v1/dataset-ingestions/${last?.id}`, { method, token: bench.tokens['data-scientist'] });
      return response.json();
    };
    assert.deepEqual(await asked('GET'), last);
    assert.deepEqual(await asked('DELETE'), last, 'one that has ended stays as it is');
  });

  test('beats while nothing happens, and ends for whoever may no longer listen', async () => {
    await using quick = await openBench({ heartbeatMs: 20 });
    const token = quick.tokens.stakeholder;
    const stream = await quick.ask('/api/v1/events/stream', { token });
    assert.ok(stream.body !== null);
    let text = '';
    for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (/still here/.test(text) && !/identity\.disabled/.test(text)) {
        await quick.ask('/api/v1/identities/the-stakeholder/disable', { method: 'POST', token: quick.tokens.admin });
      }
    }
    assert.match(text, /: still here\n\n/);
    assert.equal((await quick.ask('/api/v1/whoami', { token })).status, 401);
  });

  test('waits for a caller that reads slowly, and leaves nothing out', async () => {
    const { hostname, port } = new URL(bench.address);
    const after = await bench.deps.events.lastPosition();
    const socket = connect(Number(port), hostname);
    socket.pause();
    socket.write(
      `GET /api/v1/events/stream?after=${after} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${bench.tokens.qa}\r\n\r\n`,
    );
    // Events of 10 MB together: more than the buffers of both ends and of the system between them hold.
    const { loop, pipelines } = bench.deps;
    const reason = 'x'.repeat(250_000);
    for (let round = 0; round < 20; round++) {
      const { id } = await loop.build({ by: { identity: 'gyre', name: 'gyre' }, reason });
      await pipelines.wait(id);
    }
    const last = await bench.deps.events.lastPosition();
    const ids: number[] = [];
    for await (const line of createInterface({ input: socket })) {
      if (line.startsWith('id: ')) ids.push(Number(line.slice(4)));
      if (ids.at(-1) === last) break;
    }
    socket.destroy();
    assert.deepEqual(
      ids,
      Array.from({ length: last - after }, (_, index) => after + 1 + index),
    );
  });

  test('a position that is none is refused', async () => {
    const response = await bench.ask('/api/v1/events/stream', { token: bench.tokens.qa, headers: { 'last-event-id': 'soon' } });
    assert.equal(response.status, 400);
  });
});
