/** Real brokers, each a process of a test's own on a free port of this machine. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect as connectNats } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { eventually } from './gyre-fixture.ts';

/** What a topic holds. */
export interface KeptMessage {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A broker that can be killed and started again where it was. */
export interface TestBroker extends AsyncDisposable {
  /** `nats://127.0.0.1:4222` */
  readonly address: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Sends messages to a topic, in their order. */
  send(
    topic: string,
    messages: readonly (string | { readonly body: string; readonly headers: Readonly<Record<string, string>> })[],
  ): Promise<void>;
  /** How many messages a topic holds; 0 where it is not there. */
  count(topic: string): Promise<number>;
  read(topic: string): Promise<readonly KeptMessage[]>;
}

const isThere = (command: string, ...words: readonly string[]): boolean => spawnSync(command, words).status === 0;
const isRequired = process.env['GYRE_REQUIRE_ALL'] === '1' || process.env['GYRE_REQUIRE_BROKERS'] === '1';

/** Why there is no such broker here, or false: for the `skip` of a test. Where all is required nothing is skipped. */
export const missingNats =
  isRequired || isThere('nats-server', '--version') ? false : 'nats-server is not installed: .ci/run installs it from Debian';
export const missingRedis =
  isRequired || isThere('redis-server', '--version') ? false : 'redis-server is not installed: .ci/run installs it from Debian';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  server.close();
  await once(server, 'close');
  return address.port;
}

async function answersAt(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
  socket.destroy();
  return isOpen;
}

/** The process of a broker. */
async function processOf(port: number, command: string, words: readonly string[]): Promise<Pick<TestBroker, 'kill' | 'restart'>> {
  let child: ChildProcess | undefined;
  const restart = async (): Promise<void> => {
    const started = spawn(command, words, { stdio: 'ignore' });
    child = started;
    await eventually(`${command} answers at port ${port}`, async () => {
      assert.equal(started.exitCode, null, `${command} ended`);
      return answersAt(port);
    });
  };
  await restart();
  return {
    restart,
    kill: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** NATS with JetStream, kept in a folder. Topics are subjects; `orders` sends to a stream that keeps `orders` and all below it. */
export async function startNats(folder: string): Promise<TestBroker> {
  const port = await freePort();
  const server = await processOf(port, 'nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder]);
  const within = async <T>(work: (connection: Awaited<ReturnType<typeof connectNats>>) => Promise<T>): Promise<T> => {
    const connection = await connectNats({ servers: `127.0.0.1:${port}` });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  };
  const nameOf = (subject: string): string => subject.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  return {
    ...server,
    address: `nats://127.0.0.1:${port}`,
    send: (subject, messages) =>
      within(async (connection) => {
        const { headers } = await import('@nats-io/transport-node');
        const manager = await jetstreamManager(connection);
        const isKept = await manager.streams.find(subject).then(
          () => true,
          () => false,
        );
        if (!isKept) await manager.streams.add({ name: nameOf(subject), subjects: [subject] });
        const client = jetstream(connection);
        for (let at = 0; at < messages.length; at += 500)
          await Promise.all(
            messages.slice(at, at + 500).map((message) => {
              if (typeof message === 'string') return client.publish(subject, message);
              const head = headers();
              for (const [name, value] of Object.entries(message.headers)) head.set(name, value);
              return client.publish(subject, message.body, { headers: head });
            }),
          );
      }),
    count: (subject) =>
      within(async (connection) => {
        const manager = await jetstreamManager(connection);
        return manager.streams.info(nameOf(subject)).then(
          ({ state }) => state.messages,
          () => 0,
        );
      }),
    read: (subject) =>
      within(async (connection) => {
        const manager = await jetstreamManager(connection);
        const { state } = await manager.streams.info(nameOf(subject));
        const kept: KeptMessage[] = [];
        if (state.messages === 0) return kept;
        const messages = await (await jetstream(connection).consumers.get(nameOf(subject))).consume();
        for await (const { data, headers, seq } of messages) {
          const found = [...(headers ?? [])].map(([name, values]): [string, string] => [name.toLowerCase(), values.join(', ')]);
          kept.push({ body: new TextDecoder().decode(data), headers: Object.fromEntries(found) });
          if (seq >= state.last_seq) break;
        }
        return kept;
      }),
    [Symbol.asyncDispose]: () => server.kill(),
  };
}

/** Redis that writes each command to the disk before it answers. Topics are keys. */
export async function startRedis(folder: string, password?: string): Promise<TestBroker> {
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  const words = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--save',
    '',
  ];
  const server = await processOf(port, 'redis-server', [...words, ...(password === undefined ? [] : ['--requirepass', password])]);
  const within = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis({
      port,
      host: '127.0.0.1',
      protocol: 2,
      maxRetriesPerRequest: 3,
      ...(password === undefined ? {} : { password }),
    });
    redis.on('error', () => undefined);
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  };
  return {
    ...server,
    address: `redis://127.0.0.1:${port}`,
    send: (key, messages) =>
      within(async (redis) => {
        for (let at = 0; at < messages.length; at += 500) {
          const pipeline = redis.pipeline();
          for (const message of messages.slice(at, at + 500)) {
            const { body, headers } = typeof message === 'string' ? { body: message, headers: {} } : message;
            pipeline.xadd(key, '*', 'data', body, ...Object.entries(headers).flat());
          }
          await pipeline.exec();
        }
      }),
    count: (key) => within((redis) => redis.xlen(key)),
    read: (key) =>
      within(async (redis) =>
        (await redis.xrange(key, '-', '+')).map(([, fields]) => {
          const found = Object.fromEntries(Array.from({ length: fields.length / 2 }, (_, at) => [fields[2 * at], fields[2 * at + 1]]));
          const { data = '', ...headers } = found;
          return { body: data, headers };
        }),
      ),
    [Symbol.asyncDispose]: () => server.kill(),
  };
}
