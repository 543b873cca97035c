import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamFigures } from '#contract';
import { GyreError, isGyreError, isoInstant, messageOf } from '#core';
import type { Clock, ErrorCode } from '#core';
import { answerId } from './identity.ts';
import { answerTo, deadLetterFor, withoutBody } from './messages.ts';
import type { Delivery, Outgoing, TopicSink, TopicSource } from './port.ts';
import type { StreamMetrics } from './stream-metrics.ts';
import type { Patience, StreamModel } from './stream-model.ts';

export interface StreamOptions {
  /** What metrics and records call it. */
  readonly name: string;
  readonly group: string;
  readonly source: TopicSource;
  readonly output: TopicSink;
  readonly deadLetters: TopicSink;
  readonly model: Pick<StreamModel, 'answer'>;
  /** Messages that are taken and not acknowledged, at most. */
  readonly inFlight: number;
  /** Messages that are answered, published and acknowledged together, at most. */
  readonly batch: number;
  /** Tries of the model on one message before it becomes a dead letter. */
  readonly attempts: number;
  readonly ackWaitMs: number;
  readonly clock: Clock;
  readonly metrics: StreamMetrics;
  /** Ends it: nothing more is taken, what was taken is answered, published and acknowledged. */
  readonly signal: AbortSignal;
  /** How long that may take while a broker is away; what is left then is delivered again later. Default 20 s. */
  readonly graceMs?: number;
  /** Told what is worth knowing, a line each. */
  readonly say: (line: string) => void;
}

export interface RunningStream extends AsyncDisposable {
  figures(): StreamFigures;
  /** Settles when it has ended; rejects when it cannot go on: a topic that is gone, a login that is refused. */
  readonly ended: Promise<void>;
}

const [firstPauseMs, longestPauseMs, usualGraceMs, lagEveryMs, answerPauseMs] = [100, 10_000, 20_000, 2_000, 50];
/** A message that was delivered so many times as often as the model may try, and never answered, is what ends the process. */
const deliveriesPerAttempt = 4;
/** Another try may end otherwise. Everything else of a broker's is for good. */
const passing: readonly ErrorCode[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED'];
/** No message can be answered, or not any more: they stay where they are. */
const streamFaults: readonly ErrorCode[] = ['NOT_FOUND', 'FAILED_PRECONDITION', 'UNAUTHENTICATED', 'PERMISSION_DENIED', 'CANCELLED'];
/** The message is at fault: no other try ends otherwise. */
const messageFaults: readonly ErrorCode[] = ['INVALID_ARGUMENT', 'OUT_OF_RANGE'];

/**
 * Answers the messages of a topic until it is told to end. Batches are answered side by side and published and acknowledged in their order; a message
 * is acknowledged only when the broker has its answer, or its dead letter. Brokers that are away are waited for, and nothing more is taken then.
 */
export function runStream(options: StreamOptions): RunningStream {
  return new Stream(options);
}

/** What is tried again, in the words of the metric. */
type Tried = 'take' | 'publish' | 'acknowledge' | 'answer';

interface Settled {
  readonly answers: readonly { readonly delivery: Delivery; readonly message: Outgoing }[];
  readonly letters: readonly { readonly code: string; readonly letter: Outgoing }[];
}

class Stream implements RunningStream {
  readonly #options: StreamOptions;
  readonly #labels: { readonly stream: string };
  readonly #held = new Set<Delivery>();
  /** Aborts what is still tried when the time to end is over. */
  readonly #over = new AbortController();
  readonly #counts = { consumed: 0, redelivered: 0, published: 0, deadLetters: 0, retries: 0 };
  readonly #patience: Patience = {
    signal: this.#over.signal,
    waits: (reason) => {
      this.#wait('answer', reason);
      this.#retry('answer');
    },
    goesOn: () => this.#answered('answer'),
  };
  readonly ended: Promise<void>;
  /** By what is tried: a broker may be away while the endpoint answers, and the one that is published to while the other is read. */
  readonly #waiting = new Map<Tried, NonNullable<StreamFigures['waiting']>>();
  #lag: number | undefined;
  #lastPublishedAt: string | undefined;
  #lastDeadLetter: StreamFigures['lastDeadLetter'];
  #isOver = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#labels = { stream: options.name };
    const { metrics } = options;
    for (const counter of [metrics.consumed, metrics.redelivered, metrics.published]) counter.inc(this.#labels, 0);
    metrics.connected.set(1, this.#labels);
    this.ended = this.#run().finally(() => {
      this.#isOver = true;
      metrics.connected.set(0, this.#labels);
    });
    // Whoever does not wait for it reads its state.
    this.ended.catch(() => undefined);
  }

  figures(): StreamFigures {
    const { signal } = this.#options;
    const [waiting] = this.#waiting.values();
    const state = this.#isOver ? 'ended' : signal.aborted ? 'stopping' : waiting === undefined ? 'running' : 'waiting';
    return {
      state,
      ...this.#counts,
      inFlight: this.#held.size,
      ...(waiting === undefined || this.#isOver ? {} : { waiting }),
      ...(this.#lag === undefined ? {} : { lag: this.#lag }),
      ...(this.#lastPublishedAt === undefined ? {} : { lastPublishedAt: this.#lastPublishedAt }),
      ...(this.#lastDeadLetter === undefined ? {} : { lastDeadLetter: this.#lastDeadLetter }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.ended.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal, source, output, deadLetters, ackWaitMs, graceMs = usualGraceMs, say } = this.#options;
    const grace = (): void => void setTimeout(() => this.#over.abort(), graceMs).unref();
    if (signal.aborted) grace();
    else signal.addEventListener('abort', grace, { once: true });
    const keeping = setInterval(() => void source.keep([...this.#held]).catch(() => undefined), Math.max(100, ackWaitMs / 3));
    const measuring = setInterval(() => void this.#measure(), lagEveryMs);
    void this.#measure();
    const failure = new AbortController();
    try {
      await this.#takeAndAnswer(AbortSignal.any([signal, failure.signal, this.#over.signal]), failure);
      await this.#measure();
    } finally {
      clearInterval(keeping);
      clearInterval(measuring);
      if (this.#held.size > 0) say(`${this.#held.size} messages were taken and not acknowledged: they are delivered again`);
      this.#held.clear();
      for (const one of [source, output, deadLetters]) await one[Symbol.asyncDispose]();
    }
  }

  async #takeAndAnswer(stop: AbortSignal, failure: AbortController): Promise<void> {
    const { source, inFlight, batch, metrics } = this.#options;
    let last: Promise<void> = Promise.resolve();
    let cause: unknown;
    const open = new Set<Promise<void>>();
    while (!stop.aborted) {
      if (this.#held.size >= inFlight || open.size >= Math.ceil(inFlight / batch) + 1) {
        await Promise.race(open);
        continue;
      }
      const most = Math.min(batch, inFlight - this.#held.size);
      const taken = await this.#patiently('take', stop, () => source.take(most, stop)).catch((error: unknown) => {
        if (!stop.aborted) cause = error;
        return undefined;
      });
      if (taken === undefined) break;
      if (taken.length === 0) continue;
      for (const delivery of taken) this.#held.add(delivery);
      this.#count('consumed', taken.length);
      const again = taken.filter(({ deliveries }) => deliveries > 1).length;
      if (again > 0) this.#count('redelivered', again);
      metrics.inFlight.set(this.#held.size, this.#labels);
      const settled = Promise.all(taken.map((delivery) => this.#settle(delivery)));
      // One that fails fails all behind it: an offset is never committed beyond a message that has no answer.
      last = this.#finish(last, taken, settled);
      const done = last
        .catch((error: unknown) => {
          cause ??= error;
          failure.abort();
        })
        .finally(() => open.delete(done));
      open.add(done);
    }
    await last.catch(() => undefined);
    // What is left when the time to end is over comes again: that is no failure.
    if (cause !== undefined && !this.#over.signal.aborted) throw cause instanceof Error ? cause : new Error(messageOf(cause));
  }

  /** Publishes a batch when those before it are acknowledged, then acknowledges it. */
  async #finish(before: Promise<void>, taken: readonly Delivery[], settling: Promise<readonly OneSettled[]>): Promise<void> {
    const settled = sorted(await settling);
    await before;
    await this.#publish(settled);
    await this.#patiently('acknowledge', this.#over.signal, () => this.#options.source.acknowledge(taken));
    for (const delivery of taken) this.#held.delete(delivery);
    this.#options.metrics.inFlight.set(this.#held.size, this.#labels);
  }

  async #settle(delivery: Delivery): Promise<OneSettled> {
    const { group, model, attempts } = this.#options;
    const id = answerId(group, delivery);
    const dead = (code: string, message: string, tried: number): OneSettled => ({
      delivery,
      code,
      letter: deadLetterFor(delivery, id, { code, message, attempts: tried }),
    });
    if (delivery.deliveries > attempts * deliveriesPerAttempt)
      return dead(
        'ABORTED',
        `it was delivered ${delivery.deliveries} times and never answered: whoever took it ended, perhaps by it`,
        delivery.deliveries,
      );
    for (let tried = 1; ; tried++) {
      try {
        return { delivery, message: answerTo(delivery, id, group, await model.answer(delivery, id, this.#patience)) };
      } catch (error) {
        const code = isGyreError(error) ? error.code : 'INTERNAL';
        if (streamFaults.includes(code)) throw error;
        if (messageFaults.includes(code) || (isGyreError(error) && error.details['isFinal'] === true))
          return dead(code, messageOf(error), tried);
        if (tried >= attempts) return dead(code, `the model failed ${tried} times: ${messageOf(error)}`, tried);
        await sleep(answerPauseMs * 2 ** (tried - 1), undefined, { signal: this.#over.signal }).catch(() => undefined);
        // It was not tried as often as it may be: it comes again.
        if (this.#over.signal.aborted) throw new GyreError('CANCELLED', `ended before another try: ${messageOf(error)}`);
        this.#retry('answer');
      }
    }
  }

  async #publish({ answers, letters }: Settled): Promise<void> {
    const { output, clock, group } = this.#options;
    const refused: { readonly code: string; readonly letter: Outgoing }[] = [];
    if (answers.length > 0) {
      const published = await this.#patiently('publish', this.#over.signal, () => output.publish(answers.map(({ message }) => message)));
      for (const [at, one] of published.entries()) {
        if (one.at === 'stored') continue;
        const { delivery } = answers[at];
        const reason = { code: 'OUT_OF_RANGE', message: `the answer was not taken: ${one.reason}`, attempts: 1 };
        refused.push({ code: reason.code, letter: deadLetterFor(delivery, answerId(group, delivery), reason) });
      }
      const stored = answers.length - refused.length;
      this.#count('published', stored);
      if (stored > 0) this.#lastPublishedAt = isoInstant(clock.now());
    }
    await this.#bury([...letters, ...refused]);
  }

  async #bury(letters: readonly { readonly code: string; readonly letter: Outgoing }[]): Promise<void> {
    if (letters.length === 0) return;
    const { deadLetters, metrics, clock } = this.#options;
    const bury = (all: readonly Outgoing[]) => this.#patiently('publish', this.#over.signal, () => deadLetters.publish(all));
    const buried = await bury(letters.map(({ letter }) => letter));
    const large = letters.filter((_, at) => buried[at].at === 'refused').map(({ letter }) => withoutBody(letter));
    const still = large.length === 0 ? undefined : (await bury(large)).find(({ at }) => at === 'refused');
    if (still?.at === 'refused') throw new GyreError('FAILED_PRECONDITION', `the topic of dead letters takes none: ${still.reason}`);
    this.#counts.deadLetters += letters.length;
    for (const { code } of letters) metrics.deadLetters.inc({ ...this.#labels, code });
    const [{ letter }] = letters.slice(-1);
    this.#lastDeadLetter = { reason: letter.headers['gyre-error'], source: letter.headers['gyre-source'], at: isoInstant(clock.now()) };
  }

  /** Tries until the broker answers, with longer and longer pauses. @throws GyreError what is for good; CANCELLED when it is over */
  async #patiently<T>(what: Exclude<Tried, 'answer'>, stop: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let tried = 0; ; tried++) {
      try {
        const result = await work();
        if (tried > 0) this.#answered(what);
        return result;
      } catch (error) {
        if (!isGyreError(error) || !passing.includes(error.code)) throw error;
        if (stop.aborted) throw new GyreError('CANCELLED', `${what}: ended while the broker was waited for (${error.message})`);
        this.#wait(what, error.message);
        this.#retry(what);
        await sleep(Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(tried, 10)), undefined, { signal: stop }).catch(() => undefined);
      }
    }
  }

  #wait(what: Tried, reason: string): void {
    const { metrics, clock, say } = this.#options;
    const before = this.#waiting.get(what);
    if (before === undefined) say(`${reason}; it is waited for`);
    this.#waiting.set(what, { reason, since: before?.since ?? isoInstant(clock.now()) });
    metrics.connected.set(0, this.#labels);
  }

  #answered(what: Tried): void {
    if (!this.#waiting.delete(what) || this.#waiting.size > 0) return;
    this.#options.metrics.connected.set(1, this.#labels);
    this.#options.say('it answers again');
  }

  #count(what: 'consumed' | 'redelivered' | 'published', by: number): void {
    this.#counts[what] += by;
    this.#options.metrics[what].inc(this.#labels, by);
  }

  #retry(what: Tried): void {
    this.#counts.retries += 1;
    this.#options.metrics.retries.inc({ ...this.#labels, what });
  }

  /** A broker that is away is noticed by what is asked of it, and not here. */
  async #measure(): Promise<void> {
    const lag = await this.#options.source.lag().catch(() => this.#lag);
    this.#lag = lag;
    if (lag !== undefined) this.#options.metrics.lag.set(lag, this.#labels);
  }
}

type OneSettled =
  | { readonly delivery: Delivery; readonly message: Outgoing; readonly letter?: undefined }
  | { readonly delivery: Delivery; readonly code: string; readonly letter: Outgoing; readonly message?: undefined };

function sorted(all: readonly OneSettled[]): Settled {
  return {
    answers: all.flatMap((one) => (one.message === undefined ? [] : [one])),
    letters: all.flatMap((one) => (one.letter === undefined ? [] : [one])),
  };
}
