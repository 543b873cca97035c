import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { GyreError, hasCode, manualClock } from '#core';
import { createMetrics } from '#telemetry';
import { shownTopic, topicFromText } from './addresses.ts';
import { readBrokers } from './brokers.ts';
import { answerId, predictionId } from './identity.ts';
import { readMessage } from './messages.ts';
import { streamTopics } from './open-stream.ts';
import type { Delivery, Outgoing, Published, TopicSink, TopicSource } from './port.ts';
import { streamMetrics } from './stream-metrics.ts';
import { runStream } from './stream.ts';
import type { StreamOptions } from './stream.ts';

const delivery = (position: number, more: Partial<Delivery> = {}): Delivery => ({
  body: Buffer.from(JSON.stringify({ n: position })),
  headers: {},
  topic: 'in',
  position: String(position),
  identity: `test in ${position}`,
  deliveries: 1,
  ...more,
});

/** A topic in memory that counts what is acknowledged. */
class Topic implements TopicSource {
  readonly acknowledged: string[] = [];
  readonly #waiting: Delivery[];
  most = 0;
  open = 0;

  constructor(waiting: readonly Delivery[]) {
    this.#waiting = [...waiting];
  }

  async take(most: number): Promise<readonly Delivery[]> {
    await new Promise((resolve) => setImmediate(resolve));
    const taken = this.#waiting.splice(0, most);
    this.open += taken.length;
    this.most = Math.max(this.most, this.open);
    return taken;
  }

  acknowledge(deliveries: readonly Delivery[]): Promise<void> {
    this.open -= deliveries.length;
    this.acknowledged.push(...deliveries.map(({ position }) => position));
    return Promise.resolve();
  }

  keep = (): Promise<void> => Promise.resolve();
  lag = (): Promise<number> => Promise.resolve(this.#waiting.length + this.open);
  [Symbol.asyncDispose] = (): Promise<void> => Promise.resolve();
}

class Kept implements TopicSink {
  readonly messages: Outgoing[] = [];
  readonly #what: (messages: readonly Outgoing[]) => readonly Published[];

  constructor(what: (messages: readonly Outgoing[]) => readonly Published[] = (messages) => messages.map(() => ({ at: 'stored' }))) {
    this.#what = what;
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly Published[]> {
    const published = this.#what(messages);
    this.messages.push(...messages.filter((_, at) => published[at].at === 'stored'));
    return published;
  }

  [Symbol.asyncDispose] = (): Promise<void> => Promise.resolve();
}

const usual = (): Omit<StreamOptions, 'source' | 'signal'> => ({
  name: 'test',
  group: 'g',
  output: new Kept(),
  deadLetters: new Kept(),
  model: { answer: async ({ body }) => `answer to ${Buffer.from(body).toString()}` },
  inFlight: 20,
  batch: 5,
  attempts: 2,
  ackWaitMs: 30_000,
  clock: manualClock(0),
  metrics: streamMetrics(createMetrics()),
  say: () => undefined,
});

/** Runs until the topic is empty and all of it acknowledged, or the stream ends by itself. */
async function run(
  waiting: readonly Delivery[],
  more: Partial<StreamOptions> = {},
): Promise<{ readonly source: Topic; readonly output: Kept; readonly deadLetters: Kept; readonly stream: ReturnType<typeof runStream> }> {
  const source = new Topic(waiting);
  const deadLetters = new Kept();
  const stop = new AbortController();
  const options: StreamOptions = { ...usual(), source, deadLetters, signal: stop.signal, ...more };
  const stream = runStream(options);
  let isOver = false;
  void stream.ended.catch(() => undefined).finally(() => (isOver = true));
  while (!isOver && source.acknowledged.length < waiting.length) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await stream.ended.catch(() => undefined);
  return { source, output: options.output as Kept, deadLetters, stream };
}

const many = Array.from({ length: 100 }, (_, at) => delivery(at));

describe('addresses of topics', () => {
  test('are shown without user and password', () => {
    const address = topicFromText('nats+tls://ann:s%3Acret@host/orders.new', '--stream');
    assert.deepEqual([address.user, address.password, address.topic], ['ann', 's:cret', 'orders.new']);
    assert.equal(shownTopic(address), 'nats+tls://host:4222/orders.new');
    assert.equal(shownTopic(topicFromText('kafka://a,b:9093/orders', '--stream')), 'kafka://a:9092,b:9093/orders');
    assert.equal(shownTopic(topicFromText('rediss://h/a:b?db=2', '--stream')), 'rediss://h:6379/a:b?db=2');
  });

  test('that are none are refused without saying what stands before the "@"', () => {
    for (const text of [
      'http://u:secret@h/x',
      'nats://u:secret@h',
      'nats://u:secret@h/a b',
      'kafka://u:secret@h:99999/x',
      'nats://u:secret@h/x?db=1',
      'redis://u:secret@h/%zz',
    ])
      assert.throws(
        () => topicFromText(text, '--stream'),
        (error) => hasCode(error, 'INVALID_ARGUMENT') && error instanceof Error && !error.message.includes('secret'),
        text,
      );
  });

  test('of input, output and dead letters must differ', () => {
    assert.throws(() => streamTopics({ input: 'nats://h/a', output: 'nats://h:4222/a' }), /read again/);
    assert.throws(() => streamTopics({ input: 'nats://h/a', output: 'nats://h/b', deadLetters: 'nats://h/a' }), /read again/);
    assert.equal(streamTopics({ input: 'redis://h/a', output: 'redis://h/b' }).deadLetters.topic, 'b:dead');
  });
});

describe('the file of brokers', () => {
  test('gives a login to its own broker alone, and is refused when others may read its passwords', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-brokers-'));
    try {
      const path = join(folder, 'brokers.json');
      await writeFile(path, JSON.stringify({ 'nats://h:4222': { user: 'ann', password: '${env:SECRET}' } }));
      const book = await readBrokers(path, { SECRET: 'word' });
      assert.deepEqual(await book.loginOf(topicFromText('nats://h/x', 'x')), { user: 'ann', password: 'word' });
      assert.equal(await book.loginOf(topicFromText('nats://other/x', 'x')), undefined);
      await writeFile(path, JSON.stringify({ 'nats://h:4222': { password: 'plain' } }));
      await chmod(path, 0o644);
      await assert.rejects(readBrokers(path, {}), (error) => hasCode(error, 'FAILED_PRECONDITION') && !String(error).includes('plain'));
      await chmod(path, 0o600);
      assert.deepEqual((await readBrokers(path, {})).names, ['nats://h:4222']);
      await writeFile(path, '{"nats://h:4222": {"pasword": "plain"}}');
      await assert.rejects(readBrokers(path, {}), (error) => hasCode(error, 'INVALID_ARGUMENT') && !String(error).includes('plain'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('messages', () => {
  const read = (text: string): unknown => readMessage({ body: Buffer.from(text) }, 3);

  test('are rows, requests with rows, inference requests, or CloudEvents that hold one', () => {
    assert.deepEqual(read('{"a":1,"b":null}'), { kind: 'rows', rows: [{ a: 1, b: null }] });
    assert.deepEqual(read('[{"a":1},{"a":2}]'), { kind: 'rows', rows: [{ a: 1 }, { a: 2 }] });
    assert.deepEqual(read('{"rows":[{"a":1}],"keys":["k"]}'), { kind: 'rows', rows: [{ a: 1 }], keys: ['k'] });
    assert.deepEqual(read('{"specversion":"1.0","id":"1","data":{"a":1}}'), { kind: 'rows', rows: [{ a: 1 }] });
    assert.deepEqual(read('{"inputs":[]}'), { kind: 'tensors', text: '{"inputs":[]}' });
  });

  test('that are none of these say what is wanted', () => {
    for (const [text, reason] of [
      ['', /empty/],
      ['nonsense', /no JSON/],
      ['3', /must be a row/],
      ['[]', /no rows/],
      ['[1]', /row 0 must be an object/],
      ['{"a":[1]}', /column "a"/],
      ['{"rows":[{"a":1}],"more":1}', /"more"/],
      ['[{},{},{},{}]', /at most 3/],
    ] as const)
      assert.throws(() => read(text), reason, text);
    assert.throws(() => readMessage({ body: Buffer.from([0xff, 0xfe]) }, 3), /UTF-8/);
  });

  test('are answered under an id that depends on their own id, or on their place', () => {
    const twice = [delivery(1, { headers: { 'nats-msg-id': 'a' } }), delivery(2, { headers: { 'nats-msg-id': 'a' } })];
    assert.equal(answerId('g', twice[0]), answerId('g', twice[1]), 'sent twice under one id');
    assert.notEqual(answerId('g', delivery(1)), answerId('g', delivery(2)));
    assert.notEqual(answerId('g', delivery(1)), answerId('h', delivery(1)), 'another group answers for itself');
    assert.match(answerId('g', delivery(1)), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(predictionId(answerId('g', delivery(1)), 'ab'.repeat(32), 0), /^0-abababab-[0-9a-f-]{36}$/);
  });
});

describe('a stream', () => {
  test('answers all, publishes and acknowledges in order, and holds no more than it may', async () => {
    const { source, output } = await run(many);
    assert.deepEqual(
      source.acknowledged,
      many.map(({ position }) => position),
    );
    assert.deepEqual(
      output.messages.map(({ headers }) => headers['gyre-source']),
      many.map(({ position }) => `in/${position}`),
    );
    assert.ok(source.most <= 20, `${source.most} were in flight`);
  });

  test('makes dead letters of messages that are at fault, and of those that the model fails on again and again', async () => {
    let tries = 0;
    const answer: StreamOptions['model']['answer'] = async (one) => {
      if (one.position === '3') throw new GyreError('INVALID_ARGUMENT', 'row 0,\ncolumn "n"');
      if (one.position === '4') throw new GyreError('INTERNAL', `failure ${++tries}`);
      return '{}';
    };
    const { source, output, deadLetters, stream } = await run(many.slice(0, 8), { model: { answer } });
    assert.equal(source.acknowledged.length, 8);
    assert.equal(output.messages.length, 6);
    assert.equal(tries, 2);
    assert.deepEqual(
      deadLetters.messages.map(({ headers, body }) => [headers['gyre-error-code'], headers['gyre-error'], Buffer.from(body).toString()]),
      [
        ['INVALID_ARGUMENT', 'row 0, column "n"', '{"n":3}'],
        ['INTERNAL', 'the model failed 2 times: failure 2', '{"n":4}'],
      ],
    );
    assert.deepEqual([stream.figures().published, stream.figures().deadLetters, stream.figures().inFlight], [6, 2, 0]);
  });

  test('publishes again what the broker did not take, and acknowledges nothing before', async () => {
    let away = 3;
    const output: Kept = new Kept((messages) => {
      if (away-- > 0) throw new GyreError('UNAVAILABLE', 'away');
      return messages.map(() => ({ at: 'stored' }));
    });
    const { source, stream } = await run(many.slice(0, 7), { output });
    assert.equal(output.messages.length, 7);
    assert.equal(source.acknowledged.length, 7);
    assert.equal(stream.figures().retries, 3);
  });

  test('acknowledges nothing behind a message that it could not publish for good', async () => {
    let batches = 0;
    const output = new Kept((messages) => {
      batches += 1;
      if (batches === 2) throw new GyreError('UNAUTHENTICATED', 'no longer allowed');
      return messages.map(() => ({ at: 'stored' }));
    });
    const { source, stream } = await run(many, { output });
    await assert.rejects(stream.ended, /no longer allowed/);
    assert.deepEqual(source.acknowledged, ['0', '1', '2', '3', '4']);
  });

  test('gives an answer that is too large to the dead letters, and leaves out a body that is too large there as well', async () => {
    const refuses = (words: string) => (messages: readonly Outgoing[]) =>
      messages.map(({ body }): Published =>
        Buffer.from(body).includes(words) ? { at: 'refused', reason: 'too large' } : { at: 'stored' },
      );
    const output = new Kept(refuses('"n":2'));
    const letters = new Kept(refuses('"n":2'));
    const { source } = await run(many.slice(0, 5), { output, deadLetters: letters });
    assert.equal(source.acknowledged.length, 5);
    assert.equal(output.messages.length, 4);
    assert.deepEqual(
      letters.messages.map(({ headers }) => [headers['gyre-error'], headers['gyre-body']]),
      [['the answer was not taken: too large', '7 bytes, left out']],
    );
  });

  test('leaves a message that failed once where it is when the time to end is over', async () => {
    const stop = new AbortController();
    let tries = 0;
    const answer: StreamOptions['model']['answer'] = async (_one, _id, { signal }) => {
      tries += 1;
      stop.abort();
      if (!signal.aborted) await once(signal, 'abort');
      throw new GyreError('INTERNAL', 'a failure');
    };
    const { source, deadLetters, stream } = await run([delivery(1)], { model: { answer }, signal: stop.signal, graceMs: 50 });
    await stream.ended;
    assert.deepEqual([tries, source.acknowledged, deadLetters.messages], [1, [], []]);
  });

  test('still waits for its endpoint when a broker that was away answers again', async () => {
    const { promise: isBack, resolve: back } = Promise.withResolvers<void>();
    const said: string[] = [];
    const source = new Topic([delivery(1)]);
    const take = source.take.bind(source);
    let takes = 0;
    let waiting: string | undefined;
    source.take = async (most) => {
      takes += 1;
      if (takes === 2) throw new GyreError('UNAVAILABLE', 'the broker is away');
      if (takes === 4) {
        waiting = stream.figures().waiting?.reason;
        back();
      }
      return take(most);
    };
    const stop = new AbortController();
    const answer: StreamOptions['model']['answer'] = async (_one, _id, patience) => {
      patience.waits('the endpoint is away');
      await isBack;
      patience.goesOn();
      return '{}';
    };
    const stream = runStream({ ...usual(), source, model: { answer }, signal: stop.signal, say: (line) => void said.push(line) });
    while (source.acknowledged.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([waiting, stream.figures().waiting], ['the endpoint is away', undefined]);
    assert.deepEqual(said, ['the endpoint is away; it is waited for', 'the broker is away; it is waited for', 'it answers again']);
    stop.abort();
    await stream.ended;
  });

  test('ends by an endpoint that sends elsewhere, and acknowledges nothing', async () => {
    const answer = (): Promise<string> => Promise.reject(new GyreError('FAILED_PRECONDITION', 'it sends on'));
    const { source, deadLetters, stream } = await run([delivery(1)], { model: { answer } });
    await assert.rejects(stream.ended, /it sends on/);
    assert.deepEqual([source.acknowledged, deadLetters.messages], [[], []]);
  });

  test('takes a message that ended process after process for what ends them', async () => {
    const { deadLetters } = await run([delivery(1, { deliveries: 9 }), delivery(2, { deliveries: 8 })]);
    assert.deepEqual(
      deadLetters.messages.map(({ headers }) => headers['gyre-error-code']),
      ['ABORTED'],
    );
  });

  test('carries the headers over, and says in CloudEvents’ what the answer is', async () => {
    const headers = { traceparent: '00-aa-bb-01', correlation: 'x\ny', 'nats-msg-id': 'm', 'ce-id': 'old', 'gyre-error': 'old' };
    const { output } = await run([delivery(1, { headers, key: Buffer.from('k') })]);
    const [{ headers: answered, key, id }] = output.messages;
    assert.deepEqual(
      [answered['traceparent'], answered['correlation'], answered['nats-msg-id'], answered['gyre-error']],
      ['00-aa-bb-01', 'x y', undefined, undefined],
    );
    assert.deepEqual([answered['ce-id'], answered['ce-specversion'], answered['ce-type']], [id, '1.0', 'dev.gyre.prediction.made.v1']);
    assert.equal(Buffer.from(key ?? []).toString(), 'k');
  });
});
