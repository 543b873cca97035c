import { GyreError } from '#core';

export const brokerKinds = ['nats', 'redis', 'kafka'] as const;
export type BrokerKind = (typeof brokerKinds)[number];

/** A topic as people write it: `nats://host:4222/orders.new`, `redis://host:6379/orders`, `kafka://host:9092,other:9092/orders`. */
export interface TopicAddress {
  readonly kind: BrokerKind;
  /** Whether the connection is TLS: `nats+tls://`, `rediss://`, `kafka+tls://`. */
  readonly tls: boolean;
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** The subject of NATS, the key of Redis, the topic of Kafka. */
  readonly topic: string;
  /** Of Redis: `?db=1`. */
  readonly database: number;
  readonly user?: string;
  readonly password?: string;
}

const schemes: Readonly<Record<string, { readonly kind: BrokerKind; readonly tls: boolean }>> = {
  nats: { kind: 'nats', tls: false },
  'nats+tls': { kind: 'nats', tls: true },
  redis: { kind: 'redis', tls: false },
  rediss: { kind: 'redis', tls: true },
  kafka: { kind: 'kafka', tls: false },
  'kafka+tls': { kind: 'kafka', tls: true },
};
const ports: Readonly<Record<BrokerKind, number>> = { nats: 4222, redis: 6379, kafka: 9092 };
const form = /^(?<scheme>[a-z][a-z+]*):\/\/(?:(?<user>[^/@]*)@)?(?<servers>[^/?#]+)\/(?<topic>[^?#]*)(?:\?(?<query>[^#]*))?$/i;
const hostForm = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i;
const topicForms: Readonly<Record<BrokerKind, { readonly is: RegExp; readonly words: string }>> = {
  // The subject's tokens, of which wildcards are refused where messages go.
  nats: { is: /^[^\s.]+(\.[^\s.]+)*$/, words: 'a subject such as orders.new' },
  redis: { is: /^[^\s]{1,1024}$/, words: 'a key without spaces' },
  kafka: { is: /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, words: 'letters, digits, ".", "_" and "-"' },
};

/**
 * Reads a topic's address.
 * @param part what it is of, for the message: `--stream`
 * @throws GyreError INVALID_ARGUMENT naming what is wrong, never with what stands before the "@"
 */
export function topicFromText(text: string, part: string): TopicAddress {
  const { scheme = '', user, servers = '', topic = '', query } = form.exec(text)?.groups ?? {};
  const known = schemes[scheme.toLowerCase()];
  if (known === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${part} is no address of a topic: nats://host:4222/subject, redis://host:6379/key or kafka://host:9092/topic is needed (nats+tls://, rediss://, kafka+tls:// for TLS)`,
    );
  const name = decoded(topic, part);
  if (!topicForms[known.kind].is.test(name))
    throw new GyreError('INVALID_ARGUMENT', `${part} names the topic "${name.slice(0, 100)}": ${topicForms[known.kind].words} is needed`);
  const [login, ...rest] = (user ?? '').split(':');
  return {
    ...known,
    servers: servers.split(',').map((server) => serverOf(server, known.kind, part)),
    topic: name,
    database: databaseOf(query, known.kind, part),
    ...(login === '' ? {} : { user: decoded(login, part) }),
    ...(rest.length === 0 ? {} : { password: decoded(rest.join(':'), part) }),
  };
}

/** The broker as it is named in the file of brokers: scheme and servers, nothing else. */
export function brokerText({ kind, tls, servers }: Pick<TopicAddress, 'kind' | 'tls' | 'servers'>): string {
  const scheme = !tls ? kind : kind === 'redis' ? 'rediss' : `${kind}+tls`;
  return `${scheme}://${servers.map(({ host, port }) => `${host}:${port}`).join(',')}`;
}

/** An address for people and records, without user and password. */
export function shownTopic(address: TopicAddress): string {
  const database = address.database === 0 ? '' : `?db=${address.database}`;
  return `${brokerText(address)}/${address.topic}${database}`;
}

/** What a dead-letter topic is called when nobody says it. */
export function usualDeadLetters(address: TopicAddress): TopicAddress {
  return { ...address, topic: `${address.topic}${address.kind === 'redis' ? ':dead' : '.dead'}` };
}

function serverOf(text: string, kind: BrokerKind, part: string): TopicAddress['servers'][number] {
  const [, host, given] = hostForm.exec(text) ?? [];
  const port = given === undefined ? ports[kind] : Number(given);
  if (host === undefined || port < 1 || port > 65_535)
    throw new GyreError('INVALID_ARGUMENT', `${part} names a server that is none: host or host:port is needed`);
  return { host: host.toLowerCase(), port };
}

function databaseOf(query: string | undefined, kind: BrokerKind, part: string): number {
  if (query === undefined || query === '') return 0;
  const [, database] = /^db=(\d{1,5})$/.exec(query) ?? [];
  if (kind === 'redis' && database !== undefined) return Number(database);
  throw new GyreError('INVALID_ARGUMENT', `${part} has a part behind "?" that is not known: only Redis takes one, the database (?db=1)`);
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${part} has a "%" that begins no escape of two hex digits`, {}, { cause: error });
  }
}
