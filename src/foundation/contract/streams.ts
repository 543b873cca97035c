import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, ModelName, oneOf, strict } from './common.ts';

const Topic = Type.String({ minLength: 1, maxLength: 2000 });
const Count = Type.Integer({ minimum: 0 });

/** A topic whose messages a registered model answers, as people ask for it. */
export const StreamRequestBody = strict({
  model: Type.String({
    minLength: 1,
    maxLength: 300,
    description:
      'a registered model: churn (its newest version), churn/3, churn@champion, models:/churn/3; environment:production for what is live there. It is looked up once, when the stream begins',
  }),
  input: Type.String({
    minLength: 1,
    maxLength: 2000,
    description:
      'the topic that is read: nats://host:4222/subject, redis://host:6379/key, kafka://host:9092/topic (nats+tls://, rediss://, kafka+tls:// for TLS), of a broker that the file of GYRE_BROKERS names',
  }),
  output: { ...Topic, description: 'the topic that answers go to' },
  deadLetters: Type.Optional({
    ...Topic,
    description: 'the topic of messages that cannot be answered; default: that of the output with .dead (Redis: :dead)',
  }),
  group: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{1,128}$',
      description: 'the consumer group, whose place in the topic is kept; default: gyre-<model>',
    }),
  ),
  from: Type.Optional(
    oneOf(['first', 'new'], { description: 'where a new group begins: with all that is there (default), or with what comes' }),
  ),
  inFlight: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100_000, description: 'messages that are taken and not acknowledged, at most; default 1024' }),
  ),
  batch: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, description: 'messages that are acknowledged together, at most; default 256' }),
  ),
  attempts: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: 'tries of the model before a message is a dead letter; default 5' }),
  ),
  ackWaitMs: Type.Optional(
    Type.Integer({
      minimum: 1000,
      maximum: 3_600_000,
      description: 'after so long without a word of it a message is given to another member; default 30,000',
    }),
  ),
  create: Type.Optional(Type.Boolean({ description: 'whether topics that are not there are made' })),
});
export type StreamRequestBody = Static<typeof StreamRequestBody>;

export const streamStates = ['running', 'stopped', 'failed'] as const;

/** How a stream stands, counted since the process that runs it began. Each message that was taken is answered or a dead letter before it is acknowledged. */
export const StreamFigures = strict({
  state: oneOf(['running', 'waiting', 'stopping', 'ended'], {
    description: 'waiting: for a broker that is away, or refuses for the moment',
  }),
  waiting: Type.Optional(strict({ reason: Type.String(), since: Instant })),
  consumed: { ...Count, description: 'messages that were taken' },
  redelivered: { ...Count, description: 'among them those that were delivered before' },
  published: { ...Count, description: 'answers that the broker has' },
  deadLetters: { ...Count, description: 'messages without an answer' },
  retries: { ...Count, description: 'what was tried again, of the brokers and of the model' },
  inFlight: { ...Count, description: 'messages that were taken and not acknowledged' },
  lag: Type.Optional({
    ...Count,
    description: 'messages of the topic that the group has not acknowledged; missing while that is not known',
  }),
  lastPublishedAt: Type.Optional(Instant),
  lastDeadLetter: Type.Optional(strict({ reason: Type.String(), source: Type.String(), at: Instant })),
});
export type StreamFigures = Static<typeof StreamFigures>;

/** A topic that a registered model answers, until it is stopped; also after the platform was started anew. */
export const StreamPrediction = strict({
  id: Id,
  /** What is wanted of it, and `failed` for one that cannot go on. */
  state: oneOf(streamStates),
  request: StreamRequestBody,
  model: strict({ id: Id, name: ModelName, version: Type.Integer({ minimum: 1 }), package: Digest }),
  group: Type.String(),
  input: Type.String(),
  output: Type.String(),
  deadLetters: Type.String(),
  figures: Type.Optional(StreamFigures),
  error: Type.Optional(Type.String()),
  code: Type.Optional(Type.String()),
  startedAt: Instant,
  endedAt: Type.Optional(Instant),
  by: Actor,
});
export type StreamPrediction = Static<typeof StreamPrediction>;
