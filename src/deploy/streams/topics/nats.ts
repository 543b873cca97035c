import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Consumer, ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream';
import { connect, credsAuthenticator, headers as newHeaders, nanos } from '@nats-io/transport-node';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { GyreError, messageOf } from '#core';
import type { TopicAddress } from '../addresses.ts';
import type { BrokerLogin } from '../brokers.ts';
import type { Broker, Delivery, Outgoing, Published, SourceOptions, TopicSink, TopicSource } from '../port.ts';
import { Buffered } from './buffered.ts';

const [connectMs, answerMs, reconnectMs] = [10_000, 10_000, 250];
/** JetStream knows ids of published messages for so long. */
const duplicateWindowMs = 10 * 60_000;

/**
 * NATS JetStream: a durable pull consumer with explicit acknowledgement; the server delivers no more than may be in flight, and tells by
 * `Nats-Msg-Id` what it has already.
 */
export function natsBroker(address: TopicAddress, login: BrokerLogin): Broker {
  return {
    async source(subject, options) {
      const connection = await open(address, login);
      try {
        const source = new NatsSource(connection, subject, options);
        await source.ensure();
        return source;
      } catch (error) {
        await connection.close();
        throw error;
      }
    },
    async sink(subject, { create }) {
      if (/(^|\.)[*>](\.|$)/.test(subject))
        throw new GyreError('INVALID_ARGUMENT', `nothing is published to "${subject}": a subject without wildcards is needed`);
      const connection = await open(address, login);
      try {
        await streamOf(await manager(connection), subject, create);
        return new NatsSink(connection, subject);
      } catch (error) {
        await connection.close();
        throw error;
      }
    },
  };
}

async function open({ servers, tls, user, password }: TopicAddress, login: BrokerLogin): Promise<NatsConnection> {
  const name = user ?? login.user;
  const secret = password ?? login.password;
  const { ca, cert, key, token, credentials } = login;
  const options: NodeConnectionOptions = {
    servers: servers.map(({ host, port }) => `${host}:${port}`),
    name: 'gyre',
    timeout: connectMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectMs,
    ...(name === undefined ? {} : { user: name }),
    ...(secret === undefined ? {} : { pass: secret }),
    ...(token === undefined ? {} : { token }),
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
    tls: tls
      ? { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
      : null,
  };
  try {
    return await connect(options);
  } catch (error) {
    throw natsError(error);
  }
}

async function manager(connection: NatsConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection, { timeout: answerMs });
  } catch (error) {
    throw natsError(error);
  }
}

/** The stream that keeps a subject. */
async function streamOf(streams: JetStreamManager, subject: string, create: boolean): Promise<string> {
  try {
    return await streams.streams.find(subject);
  } catch (error) {
    if (!/no stream matches/i.test(messageOf(error))) throw natsError(error);
  }
  if (!create)
    throw new GyreError('NOT_FOUND', `no stream of JetStream keeps the subject "${subject}": add one, or let it be made (--create)`, {
      subject,
    });
  const name = subject.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  try {
    await streams.streams.add({ name, subjects: [subject], duplicate_window: nanos(duplicateWindowMs) });
  } catch (error) {
    throw natsError(error);
  }
  return name;
}

class NatsSource implements TopicSource {
  readonly #connection: NatsConnection;
  readonly #subject: string;
  readonly #options: SourceOptions;
  readonly #held = new WeakMap<Delivery, JsMsg>();
  readonly #waiting = new Buffered<JsMsg>();
  #consumer: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  #stream = '';
  /** The client connects again by itself, and says nothing to whoever waits for messages. */
  #isAway = false;
  #closed = false;

  constructor(connection: NatsConnection, subject: string, options: SourceOptions) {
    this.#connection = connection;
    this.#subject = subject;
    this.#options = options;
    void this.#watchConnection();
  }

  /** Opens the group's place in the stream, and begins to read. @throws GyreError */
  async ensure(): Promise<void> {
    const { group, from, inFlight, ackWaitMs, create } = this.#options;
    const streams = await manager(this.#connection);
    const stream = await streamOf(streams, this.#subject, create);
    const named = group.replaceAll(/[^A-Za-z0-9_-]/g, '_');
    const changeable = { max_ack_pending: inFlight, ack_wait: nanos(ackWaitMs) };
    try {
      const known = await streams.consumers.info(stream, named).catch((error: unknown) => {
        if (/consumer not found/i.test(messageOf(error))) return undefined;
        throw error;
      });
      if (known !== undefined && known.config.filter_subject !== this.#subject)
        throw new GyreError(
          'FAILED_PRECONDITION',
          `the group "${group}" reads "${known.config.filter_subject ?? 'all subjects'}" of the stream ${stream}, not "${this.#subject}": name another (--group)`,
        );
      if (known === undefined)
        await streams.consumers.add(stream, {
          durable_name: named,
          filter_subject: this.#subject,
          ack_policy: AckPolicy.Explicit,
          deliver_policy: from === 'new' ? DeliverPolicy.New : DeliverPolicy.All,
          max_deliver: -1,
          ...changeable,
        });
      else if (known.config.max_ack_pending !== inFlight || known.config.ack_wait !== changeable.ack_wait)
        await streams.consumers.update(stream, named, changeable);
      const { created } = await streams.streams.info(stream);
      this.#stream = `${stream}@${created}`;
      this.#consumer = await jetstream(this.#connection).consumers.get(stream, named);
      this.#messages = await this.#consumer.consume({ max_messages: Math.min(inFlight, 500), expires: 30_000, idle_heartbeat: 5_000 });
    } catch (error) {
      throw natsError(error);
    }
    void this.#read(this.#messages);
    void this.#watch(this.#messages);
  }

  async take(most: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    if (this.#messages === undefined) await this.ensure();
    const taken = await this.#waiting.take(most, signal);
    if (taken.length === 0 && this.#isAway && !signal.aborted)
      throw new GyreError('UNAVAILABLE', 'the NATS server does not answer: the connection is gone');
    return taken.map((message) => this.#deliveryOf(message));
  }

  async acknowledge(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) this.#held.get(delivery)?.ack();
    // What the server did not hear is delivered again, and published under the same id.
    await this.#connection.flush().catch((error: unknown) => {
      throw natsError(error);
    });
  }

  async keep(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) this.#held.get(delivery)?.working();
    for (const message of this.#waiting.items) message.working();
  }

  async lag(): Promise<number> {
    if (this.#consumer === undefined) throw new GyreError('UNAVAILABLE', 'the group has no place in the stream yet');
    try {
      const { num_pending: unread, num_ack_pending: open } = await this.#consumer.info();
      return unread + open;
    } catch (error) {
      throw natsError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    // Those that were never looked at need not wait for the time of acknowledgement.
    for (const message of this.#waiting.items) message.nak();
    await this.#messages?.close().catch(() => undefined);
    await this.#connection.drain().catch(() => this.#connection.close());
  }

  async #read(messages: ConsumerMessages): Promise<void> {
    try {
      for await (const message of messages) this.#waiting.push(message);
    } catch (error) {
      this.#waiting.fail(natsError(error));
    }
    // The group's place is looked for again with the next question.
    if (this.#messages === messages) this.#messages = undefined;
    if (!this.#closed) this.#waiting.fail(new GyreError('UNAVAILABLE', 'the server delivers no more'));
  }

  async #watchConnection(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') this.#isAway = true;
      else if (type === 'reconnect') this.#isAway = false;
    }
  }

  async #watch(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type !== 'consumer_deleted' && type !== 'consumer_not_found' && type !== 'stream_not_found') continue;
      this.#options.say(`the stream or the group's place in it is gone (${type}): it is looked for again`);
      messages.stop();
    }
  }

  #deliveryOf(message: JsMsg): Delivery {
    const { seq, subject, info } = message;
    const found: Record<string, string> = {};
    for (const [name, values] of message.headers ?? []) found[name.toLowerCase()] = values.join(', ');
    const delivery: Delivery = {
      body: message.data,
      headers: found,
      topic: subject,
      position: String(seq),
      identity: `nats ${this.#stream} ${seq}`,
      deliveries: info.deliveryCount,
    };
    this.#held.set(delivery, message);
    return delivery;
  }
}

class NatsSink implements TopicSink {
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #subject: string;

  constructor(connection: NatsConnection, subject: string) {
    this.#connection = connection;
    this.#client = jetstream(connection, { timeout: answerMs });
    this.#subject = subject;
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly Published[]> {
    const settled = await Promise.allSettled(messages.map((message) => this.#publish(message)));
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw natsError(failed.reason);
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async #publish({ id, body, headers }: Outgoing): Promise<Published> {
    if (this.#connection.isClosed()) throw new GyreError('UNAVAILABLE', 'the connection is closed');
    const head = newHeaders();
    for (const [name, value] of Object.entries(headers)) head.set(name, value);
    try {
      await this.#client.publish(this.#subject, body, { msgID: id, headers: head, timeout: answerMs });
      return { at: 'stored' };
    } catch (error) {
      const reason = messageOf(error);
      // The server's limit, the stream's, or one of the account's.
      if (/max_payload|message size exceeds|maximum message size|header size exceeds/i.test(reason)) return { at: 'refused', reason };
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.drain().catch(() => this.#connection.close());
  }
}

function natsError(error: unknown): GyreError {
  if (error instanceof GyreError) return error;
  const reason = messageOf(error);
  if (/authorization|authentication|permissions? violation/i.test(reason))
    return new GyreError('UNAUTHENTICATED', `the NATS server refuses: ${reason}`, {}, { cause: error });
  if (/jetstream.*not enabled|no jetstream/i.test(reason))
    return new GyreError('FAILED_PRECONDITION', 'the NATS server has no JetStream: start it with -js', {}, { cause: error });
  return new GyreError('UNAVAILABLE', `the NATS server does not answer: ${reason}`, {}, { cause: error });
}
