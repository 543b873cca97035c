import { GyreError } from '#core';
import { shownTopic, topicFromText, usualDeadLetters } from './addresses.ts';
import type { TopicAddress } from './addresses.ts';
import type { BrokerBook } from './brokers.ts';
import type { SourceOptions, TopicSink, TopicSource } from './port.ts';
import { openBroker } from './topics/open-broker.ts';

/** Where a stream reads and writes, as people say it. */
export interface StreamPlaces {
  readonly input: string;
  readonly output: string;
  /** Default: beside the output, its name with `.dead` (Redis: `:dead`). */
  readonly deadLetters?: string;
}

export interface StreamTopics {
  readonly input: TopicAddress;
  readonly output: TopicAddress;
  readonly deadLetters: TopicAddress;
}

/** What is said of a stream beside its places and its model; what is left out has a default. */
export interface StreamChoices {
  readonly group?: string;
  readonly from?: 'first' | 'new';
  readonly inFlight?: number;
  readonly batch?: number;
  readonly attempts?: number;
  readonly ackWaitMs?: number;
  readonly create?: boolean;
}

/** Reads the addresses. @throws GyreError INVALID_ARGUMENT naming the one that is wrong, or two that are the same */
export function streamTopics({ input, output, deadLetters }: StreamPlaces): StreamTopics {
  const to = topicFromText(output, 'the output');
  const topics = {
    input: topicFromText(input, 'the stream'),
    output: to,
    deadLetters: deadLetters === undefined ? usualDeadLetters(to) : topicFromText(deadLetters, 'the topic of dead letters'),
  };
  const [from, answers, dead] = [topics.input, topics.output, topics.deadLetters].map(shownTopic);
  if (from === answers || from === dead)
    throw new GyreError(
      'INVALID_ARGUMENT',
      'what is published would be read again: the output and the dead letters need other topics than the stream',
    );
  if (answers === dead) throw new GyreError('INVALID_ARGUMENT', 'answers and dead letters need topics of their own');
  return topics;
}

/** What a stream does when nothing is said. */
export const usualChoices = { from: 'first', inFlight: 1024, batch: 256, attempts: 5, ackWaitMs: 30_000, create: false } as const;

/** @throws GyreError INVALID_ARGUMENT for a group's name that brokers do not take */
export function groupOf(given: string | undefined, model: string): string {
  const group = given ?? `gyre-${model.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`.slice(0, 100);
  if (/^[A-Za-z0-9_-]{1,128}$/.test(group)) return group;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `"${group.slice(0, 140)}" is no name of a group: 1 to 128 letters, digits, "_" and "-" are needed`,
  );
}

export interface OpenTopics {
  readonly source: TopicSource;
  readonly output: TopicSink;
  readonly deadLetters: TopicSink;
}

/**
 * Connects to the brokers of a stream; what was opened is closed when one of them cannot be.
 * @param onlyNamed whether only brokers of the book are connected to
 * @throws GyreError PERMISSION_DENIED, NOT_FOUND (a topic), UNAVAILABLE, UNAUTHENTICATED, FAILED_PRECONDITION
 */
export async function openTopics(topics: StreamTopics, book: BrokerBook, onlyNamed: boolean, options: SourceOptions): Promise<OpenTopics> {
  await using opened = new AsyncDisposableStack();
  const [from, to, beside] = [
    await openBroker(topics.input, book, onlyNamed),
    await openBroker(topics.output, book, onlyNamed),
    await openBroker(topics.deadLetters, book, onlyNamed),
  ];
  const output = opened.use(await to.sink(topics.output.topic, options));
  const deadLetters = opened.use(await beside.sink(topics.deadLetters.topic, options));
  const source = await from.source(topics.input.topic, options);
  opened.move();
  return { source, output, deadLetters };
}
