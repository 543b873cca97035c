import { Redis, ReplyError } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { GyreError, messageOf } from '#core';
import type { TopicAddress } from '../addresses.ts';
import type { BrokerLogin } from '../brokers.ts';
import type { Broker, Delivery, Outgoing, Published, SourceOptions, TopicSink, TopicSource } from '../port.ts';

const [connectMs, answerMs, blockMs, mostReconnectMs] = [10_000, 10_000, 1000, 5_000];
/** The field that holds a message; the others are its headers. */
const bodyField = 'data';
/** A member that was killed is forgotten after so long. */
const forgottenMs = 3_600_000;

/**
 * Redis Streams: a consumer group, read by XREADGROUP and acknowledged by XACK; what a member that died had taken is claimed from it by
 * XAUTOCLAIM. Redis does not tell messages that come twice apart: readers do, by the field `ce-id`.
 */
export function redisBroker(address: TopicAddress, login: BrokerLogin): Broker {
  return {
    async source(key, options) {
      const opened: Redis[] = [];
      try {
        for (let at = 0; at < 2; at++) opened.push(await open(address, login));
        const source = new RedisSource(opened[0], opened[1], key, options);
        await source.ensure();
        return source;
      } catch (error) {
        for (const one of opened) one.disconnect();
        throw error;
      }
    },
    async sink(key, { create }) {
      const redis = await open(address, login);
      try {
        await requireStream(redis, key, create);
        return new RedisSink(redis, key);
      } catch (error) {
        redis.disconnect();
        throw error;
      }
    },
  };
}

async function open({ servers, tls, database, user, password }: TopicAddress, login: BrokerLogin): Promise<Redis> {
  const [{ host, port }, ...more] = servers;
  if (more.length > 0) throw new GyreError('INVALID_ARGUMENT', 'a topic of Redis is on one server: name one');
  const { ca, cert, key } = login;
  const username = user ?? login.user;
  const secret = password ?? login.password;
  const redis = new Redis({
    host: host.replace(/^\[|\]$/g, ''),
    port,
    db: database,
    protocol: 2,
    lazyConnect: true,
    connectionName: 'gyre',
    connectTimeout: connectMs,
    // Whoever asks is told that the server is away, and asks again.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(mostReconnectMs, 100 * 2 ** Math.min(times, 6)),
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { password: secret }),
    ...(tls
      ? { tls: { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) } }
      : {}),
  });
  // Each command says for itself what went wrong.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw redisError(error);
  }
}

/** @throws GyreError NOT_FOUND when nothing is there and nothing may be made, FAILED_PRECONDITION for a key of another type */
async function requireStream(redis: Redis, key: string, create: boolean): Promise<void> {
  const type = await asked(redis, 'TYPE', key);
  if (String(type) === 'stream') return;
  if (String(type) !== 'none') throw new GyreError('FAILED_PRECONDITION', `the key "${key}" is a ${String(type)} of Redis, no stream`);
  if (!create) throw new GyreError('NOT_FOUND', `there is no stream "${key}": add to one, or let it be made (--create)`, { key });
}

/** One question, answered in bytes, within a time. @throws GyreError */
async function asked(redis: Redis, command: string, ...words: readonly (string | number | Buffer)[]): Promise<unknown> {
  const limit = new AbortController();
  try {
    return await Promise.race([
      redis.callBuffer(command, ...words),
      sleep(answerMs + blockMs, undefined, { signal: limit.signal, ref: false }).then(() => {
        throw new GyreError('UNAVAILABLE', `the Redis server does not answer ${command} within ${(answerMs + blockMs) / 1000} s`);
      }),
    ]);
  } catch (error) {
    throw redisError(error);
  } finally {
    limit.abort();
  }
}

interface Entry {
  readonly id: string;
  /** Names and values in turn; undefined for one that was trimmed. */
  readonly fields: readonly Buffer[] | undefined;
}

class RedisSource implements TopicSource {
  /** XREADGROUP blocks its connection, so that everything else has another. */
  readonly #reader: Redis;
  readonly #redis: Redis;
  readonly #key: string;
  readonly #options: SourceOptions;
  #claimed = -Infinity;

  constructor(reader: Redis, redis: Redis, key: string, options: SourceOptions) {
    this.#reader = reader;
    this.#redis = redis;
    this.#key = key;
    this.#options = options;
  }

  /** Makes the group, where there is none. @throws GyreError */
  async ensure(): Promise<void> {
    const { create, group, from } = this.#options;
    await requireStream(this.#redis, this.#key, create);
    await asked(this.#redis, 'XGROUP', 'CREATE', this.#key, group, from === 'new' ? '$' : '0', 'MKSTREAM').catch((error: unknown) => {
      if (!/BUSYGROUP/.test(messageOf(error))) throw error;
    });
  }

  async take(most: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    if (signal.aborted) return [];
    try {
      const left = await this.#leftByOthers(most);
      if (left.length > 0) return left;
      const { group, member } = this.#options;
      const answer = await asked(
        this.#reader,
        'XREADGROUP',
        'GROUP',
        group,
        member,
        'COUNT',
        most,
        'BLOCK',
        blockMs,
        'STREAMS',
        this.#key,
        '>',
      );
      const [stream] = listOf(answer);
      return entriesOf(listOf(stream)[1]).map((entry) => this.#deliveryOf(entry, 1));
    } catch (error) {
      // The key was emptied or the server restored: the group is made again, from the beginning of what is there.
      if (!/NOGROUP/.test(messageOf(error))) throw error;
      this.#options.say(`the group "${this.#options.group}" is gone: it is made again`);
      await this.ensure();
      return [];
    }
  }

  /** What members took and said nothing of for longer than the time of acknowledgement. */
  async #leftByOthers(most: number): Promise<readonly Delivery[]> {
    const { group, member, ackWaitMs, elapsed } = this.#options;
    const now = elapsed();
    if (now < this.#claimed + Math.min(ackWaitMs / 2, 5_000)) return [];
    const answer = await asked(this.#redis, 'XAUTOCLAIM', this.#key, group, member, ackWaitMs, '0-0', 'COUNT', most);
    const [, claimed, trimmed] = listOf(answer);
    if (listOf(trimmed).length > 0)
      this.#options.say(`${listOf(trimmed).length} entries were trimmed from "${this.#key}" before they were answered`);
    const entries = entriesOf(claimed);
    if (entries.length === 0) {
      this.#claimed = now;
      await this.#forgetMembers();
      return [];
    }
    const pending = await asked(this.#redis, 'XPENDING', this.#key, group, entries[0].id, entries[entries.length - 1].id, 100_000, member);
    const counts = new Map(
      listOf(pending).map((one) => {
        const [id, , , times] = listOf(one);
        return [String(id), Number(times)];
      }),
    );
    return entries.map((entry) => this.#deliveryOf(entry, counts.get(entry.id) ?? 1));
  }

  /** Members whose processes died long ago and that hold nothing. */
  async #forgetMembers(): Promise<void> {
    const { group, member } = this.#options;
    for (const one of listOf(await asked(this.#redis, 'XINFO', 'CONSUMERS', this.#key, group))) {
      const { name, pending, idle } = pairsOf(one);
      if (String(name) !== member && Number(pending) === 0 && Number(idle) > forgottenMs)
        await asked(this.#redis, 'XGROUP', 'DELCONSUMER', this.#key, group, String(name));
    }
  }

  async acknowledge(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    await asked(this.#redis, 'XACK', this.#key, this.#options.group, ...deliveries.map(({ position }) => position));
  }

  async keep(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const { group, member, ackWaitMs } = this.#options;
    // One that somebody else has claimed meanwhile is theirs: it was heard of lately.
    const idle = Math.floor(ackWaitMs / 4);
    await asked(this.#redis, 'XCLAIM', this.#key, group, member, idle, ...deliveries.map(({ position }) => position), 'JUSTID');
  }

  async lag(): Promise<number | undefined> {
    for (const one of listOf(await asked(this.#redis, 'XINFO', 'GROUPS', this.#key))) {
      const { name, pending, lag } = pairsOf(one);
      if (String(name) !== this.#options.group) continue;
      // Redis cannot tell after entries were deleted in the middle.
      return lag === null || lag === undefined ? undefined : Number(lag) + Number(pending);
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { group, member } = this.#options;
    // Deleting a member forgets what it took: only one that holds nothing is deleted.
    const own = await asked(this.#redis, 'XPENDING', this.#key, group, '-', '+', 1, member).catch(() => undefined);
    if (Array.isArray(own) && own.length === 0)
      await asked(this.#redis, 'XGROUP', 'DELCONSUMER', this.#key, group, member).catch(() => undefined);
    this.#reader.disconnect();
    this.#redis.disconnect();
  }

  #deliveryOf({ id, fields }: Entry, deliveries: number): Delivery {
    const where = { topic: this.#key, position: id, identity: `redis ${this.#key} ${id}`, deliveries };
    if (fields === undefined) return { ...where, body: new Uint8Array(), headers: {}, fault: 'the entry was trimmed before it was read' };
    const headers: Record<string, string> = {};
    let body: Uint8Array | undefined;
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const name = fields[at].toString('utf8');
      if (name === bodyField) body = fields[at + 1];
      else headers[name.toLowerCase()] = fields[at + 1].toString('utf8');
    }
    return body === undefined
      ? { ...where, body: new Uint8Array(), headers, fault: `the entry has no field "${bodyField}", which holds the message as JSON` }
      : { ...where, body, headers };
  }
}

class RedisSink implements TopicSink {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(redis: Redis, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly Published[]> {
    const added = messages.map(({ body, headers }) =>
      asked(
        this.#redis,
        'XADD',
        this.#key,
        '*',
        bodyField,
        Buffer.from(body.buffer, body.byteOffset, body.byteLength),
        ...Object.entries(headers).flat(),
      ),
    );
    const settled = await Promise.allSettled(added);
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw redisError(failed.reason);
    return messages.map(() => ({ at: 'stored' }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
    return Promise.resolve();
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Redis answers maps as names and values in turn. */
function pairsOf(value: unknown): Readonly<Record<string, unknown>> {
  const list = listOf(value);
  return Object.fromEntries(Array.from({ length: Math.floor(list.length / 2) }, (_, at) => [String(list[2 * at]), list[2 * at + 1]]));
}

function entriesOf(value: unknown): Entry[] {
  return listOf(value).flatMap((one) => {
    const [id, fields] = listOf(one);
    if (!Buffer.isBuffer(id)) return [];
    return [{ id: id.toString('utf8'), fields: Array.isArray(fields) ? fields.filter((field) => Buffer.isBuffer(field)) : undefined }];
  });
}

function redisError(error: unknown): GyreError {
  if (error instanceof GyreError) return error;
  const reason = messageOf(error);
  if (/WRONGPASS|NOAUTH|NOPERM/.test(reason))
    return new GyreError('UNAUTHENTICATED', `the Redis server refuses: ${reason}`, {}, { cause: error });
  if (/WRONGTYPE/.test(reason)) return new GyreError('FAILED_PRECONDITION', `the Redis server refuses: ${reason}`, {}, { cause: error });
  const refused = error instanceof ReplyError && !/LOADING|READONLY|MASTERDOWN|OOM|MISCONF|CLUSTERDOWN|TRYAGAIN|BUSY /.test(reason);
  if (refused) return new GyreError('FAILED_PRECONDITION', `the Redis server refuses: ${reason}`, {}, { cause: error });
  return new GyreError('UNAVAILABLE', `the Redis server does not answer: ${reason}`, {}, { cause: error });
}
