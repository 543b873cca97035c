import { Admin, Consumer, MessagesStreamFallbackModes, MessagesStreamModes, Producer } from '@platformatic/kafka';
import type { BaseOptions, Message, MessagesStream } from '@platformatic/kafka';
import { GyreError, messageOf } from '#core';
import { shownTopic } from '../addresses.ts';
import type { TopicAddress } from '../addresses.ts';
import type { BrokerLogin } from '../brokers.ts';
import type { Broker, Delivery, Outgoing, Published, SourceOptions, TopicSink, TopicSource } from '../port.ts';
import { Buffered } from './buffered.ts';

const [connectMs, answerMs, fetchMs, retries, retryDelayMs] = [10_000, 15_000, 500, 3, 250];
/** Brokers take sessions of six seconds to half an hour, unless they are told otherwise. */
const [leastSessionMs, mostSessionMs] = [6_000, 1_800_000];
/** Below the megabyte that brokers take by default, with what the protocol adds. */
const requestBytes = 800_000;
const [newest, oldest] = [-1n, -2n];

type KafkaMessage = Message<Buffer, Buffer, Buffer, Buffer>;

/**
 * The Kafka protocol: a consumer group whose offsets are committed once answers are published to all replicas in sync, and never before. Kafka does
 * not count deliveries, and does not tell messages that come twice apart: readers do, by the header `ce_id`.
 */
export function kafkaBroker(address: TopicAddress, login: BrokerLogin): Broker {
  const base = optionsOf(address, login);
  return {
    async source(topic, options) {
      const made = await requireTopic(base, topic, options.create);
      const source = new KafkaSource(base, topic, made, options);
      try {
        await source.open();
        return source;
      } catch (error) {
        await source[Symbol.asyncDispose]();
        throw kafkaError(error);
      }
    },
    async sink(topic, { create }) {
      await requireTopic(base, topic, create);
      return new KafkaSink(base, topic);
    },
  };
}

function optionsOf(address: TopicAddress, login: BrokerLogin): BaseOptions {
  const { ca, cert, key, mechanism = 'plain' } = login;
  const username = address.user ?? login.user;
  const password = address.password ?? login.password;
  if (username !== undefined && !address.tls && mechanism === 'plain')
    throw new GyreError(
      'FAILED_PRECONDITION',
      `a password is not sent in the clear: ${shownTopic(address)} needs kafka+tls://, or scram-sha-256 as its mechanism`,
    );
  return {
    clientId: 'gyre',
    bootstrapBrokers: address.servers.map(({ host, port }) => ({ host: host.replaceAll(/^\[|\]$/g, ''), port })),
    connectTimeout: connectMs,
    timeout: answerMs,
    retries,
    retryDelay: retryDelayMs,
    ...(address.tls
      ? { tls: { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) } }
      : {}),
    ...(username === undefined || password === undefined
      ? {}
      : {
          sasl: {
            mechanism: mechanism === 'plain' ? 'PLAIN' : mechanism === 'scram-sha-256' ? 'SCRAM-SHA-256' : 'SCRAM-SHA-512',
            username,
            password,
          },
        }),
  };
}

/** @returns the topic's own id, which another of the same name does not have @throws GyreError NOT_FOUND when it is not there and may not be made */
async function requireTopic(base: BaseOptions, topic: string, create: boolean): Promise<string> {
  const admin = new Admin(base);
  try {
    const known = await admin.listTopics();
    if (!known.includes(topic)) {
      if (!create) throw new GyreError('NOT_FOUND', `there is no topic "${topic}": make it, or let it be made (--create)`, { topic });
      await admin.createTopics({ topics: [topic], partitions: -1, replicas: -1 });
    }
    const { topics } = await admin.metadata({ topics: [topic] });
    return topics.get(topic)?.id ?? '';
  } catch (error) {
    throw kafkaError(error);
  } finally {
    await admin.close().catch(() => undefined);
  }
}

class KafkaSource implements TopicSource {
  readonly #base: BaseOptions;
  readonly #topic: string;
  readonly #topicId: string;
  readonly #options: SourceOptions;
  #waiting = new Buffered<KafkaMessage>();
  #consumer: Consumer | undefined;
  #closed = false;

  constructor(base: BaseOptions, topic: string, topicId: string, options: SourceOptions) {
    this.#base = base;
    this.#topic = topic;
    this.#topicId = topicId;
    this.#options = options;
  }

  /** Joins the group and reads on from what it has committed. @throws GyreError */
  async open(): Promise<void> {
    const { group, from, inFlight, ackWaitMs } = this.#options;
    const sessionMs = Math.min(mostSessionMs, Math.max(leastSessionMs, ackWaitMs));
    const consumer = new Consumer({
      ...this.#base,
      groupId: group,
      autocommit: false,
      sessionTimeout: sessionMs,
      rebalanceTimeout: sessionMs,
      heartbeatInterval: Math.floor(sessionMs / 6),
      maxWaitTime: fetchMs,
      highWaterMark: inFlight,
    });
    this.#consumer = consumer;
    this.#waiting = new Buffered<KafkaMessage>();
    const stream = await consumer.consume({
      topics: [this.#topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: from === 'new' ? MessagesStreamFallbackModes.LATEST : MessagesStreamFallbackModes.EARLIEST,
    });
    void this.#read(stream, this.#waiting);
  }

  /** What the stream has is left there while enough waits here: then the client fetches no more. */
  async #read(stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>, into: Buffered<KafkaMessage>): Promise<void> {
    try {
      for await (const message of stream) {
        into.push(message);
        await into.room(this.#options.inFlight);
      }
      into.fail(new GyreError('UNAVAILABLE', 'the broker delivers no more'));
    } catch (error) {
      into.fail(kafkaError(error));
    }
  }

  async take(most: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    try {
      if (this.#consumer === undefined) await this.open();
      return (await this.#waiting.take(most, signal)).map((message) => this.#deliveryOf(message));
    } catch (error) {
      // With the next question the group is joined anew, and read from what it has committed.
      await this.#leave();
      throw kafkaError(error);
    }
  }

  async acknowledge(deliveries: readonly Delivery[]): Promise<void> {
    const next = new Map<number, bigint>();
    for (const { partition = 0, position } of deliveries) {
      const after = BigInt(position) + 1n;
      if (after > (next.get(partition) ?? 0n)) next.set(partition, after);
    }
    if (next.size === 0) return;
    if (this.#consumer === undefined) throw new GyreError('UNAVAILABLE', 'the group was left: it is joined again');
    try {
      await this.#consumer.commit({
        offsets: [...next].map(([partition, offset]) => ({ topic: this.#topic, partition, offset, leaderEpoch: -1 })),
      });
    } catch (error) {
      // The partitions are somebody else's now, who answers the messages again under the same ids.
      if (/generation|rebalance|unknown member|fenced|UNKNOWN_MEMBER/i.test(reasonOf(error))) {
        this.#options.say('the group was shared out anew while messages were answered: some of them may be answered twice');
        return;
      }
      throw kafkaError(error);
    }
  }

  keep(): Promise<void> {
    // The client's heartbeats keep the partitions.
    return Promise.resolve();
  }

  async lag(): Promise<number | undefined> {
    const consumer = this.#consumer;
    if (consumer === undefined) throw new GyreError('UNAVAILABLE', 'the group is not joined yet');
    try {
      const topics = [this.#topic];
      const ends = (await consumer.listOffsets({ topics, timestamp: newest })).get(this.#topic) ?? [];
      const partitions = ends.map((_, partition) => partition);
      const committed = (await consumer.listCommittedOffsets({ topics: [{ topic: this.#topic, partitions }] })).get(this.#topic) ?? [];
      const isNew = partitions.some((partition) => (committed[partition] ?? -1n) < 0n);
      const starts = isNew ? ((await consumer.listOffsets({ topics, timestamp: oldest })).get(this.#topic) ?? []) : [];
      return ends.reduce((sum, end, partition) => {
        const known = committed[partition] ?? -1n;
        return sum + Math.max(0, Number(end - (known < 0n ? (starts[partition] ?? 0n) : known)));
      }, 0);
    } catch (error) {
      throw kafkaError(error);
    }
  }

  async #leave(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.close(true).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#leave();
  }

  #deliveryOf({ key, value, headers, partition, offset }: KafkaMessage): Delivery {
    const found: Record<string, string> = {};
    for (const [name, text] of headers) found[name.toString('utf8').toLowerCase().replace(/^ce_/, 'ce-')] = text.toString('utf8');
    const isEmpty = value === null || value === undefined;
    return {
      body: isEmpty ? new Uint8Array() : value,
      headers: found,
      ...(key === null || key === undefined || key.length === 0 ? {} : { key }),
      topic: this.#topic,
      partition,
      position: String(offset),
      identity: `kafka ${this.#topic} ${this.#topicId} ${partition} ${offset}`,
      deliveries: 1,
      ...(isEmpty ? { fault: 'the message has no value: it is a tombstone' } : {}),
    };
  }
}

class KafkaSink implements TopicSink {
  readonly #producer: Producer;
  readonly #topic: string;

  constructor(base: BaseOptions, topic: string) {
    this.#producer = new Producer({ ...base, acks: -1 });
    this.#topic = topic;
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly Published[]> {
    const published: Published[] = [];
    let from = 0;
    while (from < messages.length) {
      let [to, bytes] = [from, 0];
      while (to < messages.length && (to === from || bytes + messages[to].body.byteLength < requestBytes)) {
        bytes += messages[to].body.byteLength + 500;
        to += 1;
      }
      published.push(...(await this.#send(messages.slice(from, to))));
      from = to;
    }
    return published;
  }

  async #send(messages: readonly Outgoing[]): Promise<readonly Published[]> {
    try {
      await this.#producer.send({
        messages: messages.map(({ body, headers, key }) => ({
          topic: this.#topic,
          value: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
          ...(key === undefined ? {} : { key: Buffer.from(key.buffer, key.byteOffset, key.byteLength) }),
          headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name.replace(/^ce-/, 'ce_')), Buffer.from(text)])),
        })),
      });
      return messages.map(() => ({ at: 'stored' }));
    } catch (error) {
      const reason = reasonOf(error);
      if (!/MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE|too large/i.test(reason)) throw kafkaError(error);
      if (messages.length === 1) return [{ at: 'refused', reason: 'the broker takes no message of that size' }];
      const each: Published[] = [];
      for (const message of messages) each.push(...(await this.#send([message])));
      return each;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer.close().catch(() => undefined);
  }
}

/** The client's errors hold others: what the broker said stands at the bottom. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return [error.message, ...error.errors.map(reasonOf)].join(': ');
  const cause = error instanceof Error && error.cause !== undefined ? `: ${reasonOf(error.cause)}` : '';
  const id = error instanceof Error && 'apiId' in error ? ` (${String(error.apiId)})` : '';
  return `${messageOf(error)}${id}${cause}`;
}

function kafkaError(error: unknown): GyreError {
  if (error instanceof GyreError) return error;
  const reason = reasonOf(error);
  if (/SASL|authentication|AUTHORIZATION_FAILED/i.test(reason))
    return new GyreError('UNAUTHENTICATED', `the Kafka broker refuses: ${reason}`, {}, { cause: error });
  return new GyreError('UNAVAILABLE', `the Kafka broker does not answer: ${reason}`, {}, { cause: error });
}
