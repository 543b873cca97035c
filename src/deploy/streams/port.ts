/** A message as a topic gave it. */
export interface Delivery {
  readonly body: Uint8Array;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the topic keeps together, where it has keys. */
  readonly key?: Uint8Array;
  /** The subject, key or topic that it came by. */
  readonly topic: string;
  readonly partition?: number;
  /** Sequence, entry id or offset. */
  readonly position: string;
  /** Names the message for good, whichever broker address it was read by; a topic that was made anew gives other names. */
  readonly identity: string;
  /** How often it was delivered, this time included; 1 where the topic does not count. */
  readonly deliveries: number;
  /** Why the topic's adapter cannot make a message of it. */
  readonly fault?: string;
}

/** A message that goes to a topic. */
export interface Outgoing {
  /** The same whenever the same input is answered: whoever takes messages twice knows them by it. */
  readonly id: string;
  readonly body: Uint8Array;
  /** Names in lower case; values of one line. */
  readonly headers: Readonly<Record<string, string>>;
  readonly key?: Uint8Array;
}

/** What became of a message that was published: `refused` is for good, and no other message is at fault. */
export type Published = { readonly at: 'stored' } | { readonly at: 'refused'; readonly reason: string };

/** Where a topic is read, by one member of a group. What was delivered and not acknowledged is delivered again. */
export interface TopicSource extends AsyncDisposable {
  /**
   * What waits, at once; otherwise the first that comes, for about a second.
   * @returns none when nothing came
   * @throws GyreError UNAVAILABLE when the broker is away: it may be asked again
   */
  take(most: number, signal: AbortSignal): Promise<readonly Delivery[]>;
  /** They are never delivered again. @param deliveries in the order in which they were taken, none left out before the last @throws GyreError UNAVAILABLE */
  acknowledge(deliveries: readonly Delivery[]): Promise<void>;
  /** They are still worked on: nobody else shall have them. */
  keep(deliveries: readonly Delivery[]): Promise<void>;
  /** Messages of the topic that the group has not acknowledged; undefined where the broker cannot tell. @throws GyreError UNAVAILABLE */
  lag(): Promise<number | undefined>;
}

/** Where messages go. */
export interface TopicSink extends AsyncDisposable {
  /**
   * Settles when the broker has said of each what became of it.
   * @returns in the order of the messages
   * @throws GyreError UNAVAILABLE when that is not known of all: they may be published again, under the same ids
   */
  publish(messages: readonly Outgoing[]): Promise<readonly Published[]>;
}

export interface SourceOptions {
  /** The consumer group; its place in the topic outlives the process. */
  readonly group: string;
  /** Where a new group begins: with all that is there, or with what comes. */
  readonly from: 'first' | 'new';
  /** Messages that are delivered and not acknowledged, at most. */
  readonly inFlight: number;
  /** After so long without a word of it, a delivered message is delivered to another member. */
  readonly ackWaitMs: number;
  /** Whether a topic that is not there is made. */
  readonly create: boolean;
  /** This member of the group. */
  readonly member: string;
  /** Told what is worth knowing, a line each. */
  readonly say: (line: string) => void;
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
}

/** What one kind of broker can do. */
export interface Broker {
  /** @throws GyreError NOT_FOUND when there is no such topic, UNAVAILABLE, UNAUTHENTICATED, FAILED_PRECONDITION */
  source(topic: string, options: SourceOptions): Promise<TopicSource>;
  /** @throws GyreError as `source` */
  sink(topic: string, options: Pick<SourceOptions, 'create'>): Promise<TopicSink>;
}
