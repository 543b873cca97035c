import { setTimeout as sleep } from 'node:timers/promises';
import { eventType, isModelGraph } from '#contract';
import type { Actor, EventTypes, ModelVersion, ReleaseManifest, StreamPrediction, StreamRequestBody } from '#contract';
import { asSha256, GyreError, isGyreError, isoInstant, messageOf } from '#core';
import type { Events } from '#events';
import type { Registry } from '#registry';
import type { PackageSource } from '#serving';
import type { Store } from '#store';
import { createMetrics } from '#telemetry';
import type { Metrics } from '#telemetry';
import { shownTopic } from './addresses.ts';
import type { BrokerBook } from './brokers.ts';
import { groupOf, openTopics, streamTopics, usualChoices } from './open-stream.ts';
import { streamMetrics } from './stream-metrics.ts';
import { openStreamModel } from './stream-model.ts';
import type { StreamModelDeps } from './stream-model.ts';
import { runStream } from './stream.ts';
import type { RunningStream } from './stream.ts';
import { keepStream, listStreams, openStreams as openOnes, streamOf } from './streams-store.ts';
import type { KeptStream } from './streams-store.ts';

export interface StreamsDeps extends Omit<StreamModelDeps, 'inFlight' | 'metrics'> {
  readonly store: Store;
  readonly events: Events<EventTypes>;
  readonly registry: Pick<Registry, 'readFile' | 'getById'>;
  /** The model version that a request names. */
  readonly versionOf: (reference: string) => Promise<ModelVersion>;
  /** Read anew whenever a stream is opened. */
  readonly brokers: () => Promise<BrokerBook>;
  readonly metrics: Metrics;
  /** How topics are opened; default: at the brokers that their addresses name. */
  readonly openTopics?: typeof openTopics;
  /** Names this data folder, where several share a database. */
  readonly owner: string;
  /** A name that no other member of a group has. */
  readonly memberName: () => string;
  /** Told what is worth knowing, a line each. */
  readonly say: (id: string, line: string) => void;
}

export interface StreamList {
  readonly model?: string;
  /** 100 without it. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Topics that registered models answer: begun, watched, recorded, gone on with after the process died. */
export interface Streams extends AsyncDisposable {
  /**
   * Begins one: its topics are connected to and its model is loaded before it is recorded and this returns.
   * @throws GyreError NOT_FOUND (model, topic), INVALID_ARGUMENT (addresses), PERMISSION_DENIED (a broker that is not named), ALREADY_EXISTS (a
   * group that answers the topic here already), FAILED_PRECONDITION (a model without a graph), UNAVAILABLE
   */
  start(request: { readonly body: StreamRequestBody; readonly by: Actor }): Promise<StreamPrediction>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<StreamPrediction>;
  /** Newest first. */
  list(options?: StreamList): Promise<{ readonly items: readonly StreamPrediction[]; readonly next?: string }>;
  /** Ends one: what was taken is answered and acknowledged first. One that has ended stays as it is. @throws GyreError NOT_FOUND */
  stop(id: string, by: Actor): Promise<StreamPrediction>;
  /** Goes on with what a process that ended left. @returns how many */
  resume(): Promise<number>;
}

interface Running {
  readonly kept: KeptStream;
  readonly stop: AbortController;
  /** None while its brokers or its model cannot be opened. */
  stream: RunningStream | undefined;
  problem: { readonly reason: string; readonly since: string } | undefined;
  ended: Promise<void>;
}

const [firstPauseMs, longestPauseMs] = [500, 30_000];
const mostRunning = 32;

/** Opens the room. What an earlier process left is gone on with when `resume` is called. */
export function openStreams(deps: StreamsDeps): Streams {
  return new OpenStreams(deps);
}

class OpenStreams implements Streams {
  readonly #deps: StreamsDeps;
  readonly #running = new Map<string, Running>();
  readonly #closing = new AbortController();

  constructor(deps: StreamsDeps) {
    this.#deps = deps;
  }

  async start({ body, by }: { readonly body: StreamRequestBody; readonly by: Actor }): Promise<StreamPrediction> {
    const { newId, clock, store, events, versionOf } = this.#deps;
    requireNoSecrets(body);
    const topics = streamTopics(body);
    const version = await versionOf(body.model);
    const { package: digest } = graphOf(version);
    const group = groupOf(body.group, version.model);
    const input = shownTopic(topics.input);
    if (this.#running.size >= mostRunning)
      throw new GyreError('RESOURCE_EXHAUSTED', `${this.#running.size} streams are answered already, the most at a time: stop one`);
    const twin = [...this.#running.values()].find(({ kept }) => kept.input === input && kept.group === group);
    if (twin !== undefined)
      throw new GyreError(
        'ALREADY_EXISTS',
        `stream prediction ${twin.kept.id} answers ${input} in the group "${group}": name another group, or stop it`,
        { id: twin.kept.id },
      );
    const kept: KeptStream = {
      id: newId(),
      state: 'running',
      request: body,
      model: { id: version.id, name: version.model, version: version.version, package: digest },
      group,
      input,
      output: shownTopic(topics.output),
      deadLetters: shownTopic(topics.deadLetters),
      startedAt: isoInstant(clock.now()),
      by,
    };
    // Refused before it is recorded, when something of it cannot be.
    const running = this.#enter(kept);
    try {
      await using opened = new AsyncDisposableStack();
      const stream = opened.use(await this.#open(running));
      await store.write(async (tx, one: KeptStream) => {
        await keepStream(tx, { owner: this.#deps.owner, prediction: one });
        events.publish(tx, {
          type: eventType('stream_prediction.started'),
          subject: one.id,
          actor: by.identity,
          data: { id: one.id, model: one.model.name, modelVersion: one.model.id, input: one.input, output: one.output },
        });
      }, kept);
      running.stream = stream;
      opened.move();
    } catch (error) {
      running.stop.abort();
      this.#running.delete(kept.id);
      throw error;
    }
    this.#supervise(running);
    return this.get(kept.id);
  }

  async get(id: string): Promise<StreamPrediction> {
    const running = this.#running.get(id);
    if (running !== undefined) return this.#shown(running.kept);
    const found = await this.#deps.store.read((db) => streamOf(db, id));
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `there is no stream prediction "${id}"; \`gyre stream-predictions ls\` lists them`, { id });
  }

  async list({ model, limit = 100, after }: StreamList = {}): Promise<{
    readonly items: readonly StreamPrediction[];
    readonly next?: string;
  }> {
    const before = after === undefined ? undefined : Number(after);
    if (before !== undefined && !Number.isSafeInteger(before))
      throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token`, { after });
    const found = await this.#deps.store.read((db) => listStreams(db, model, limit + 1, before));
    const items = found.slice(0, limit);
    return {
      items: items.map(({ prediction }) => this.#shown(prediction)),
      ...(found.length > limit ? { next: String(items[items.length - 1].position) } : {}),
    };
  }

  async stop(id: string, by: Actor): Promise<StreamPrediction> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      running.stop.abort();
      await running.ended;
    }
    const kept = await this.get(id);
    if (kept.state === 'running') await this.#end(kept, { state: 'stopped' }, by);
    return this.get(id);
  }

  async resume(): Promise<number> {
    const { store, owner } = this.#deps;
    const left = (await store.read((db) => openOnes(db, owner))).filter(({ id }) => !this.#running.has(id));
    for (const kept of left) this.#supervise(this.#enter(kept));
    return left.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended));
  }

  #enter(kept: KeptStream): Running {
    const running: Running = { kept, stop: new AbortController(), stream: undefined, problem: undefined, ended: Promise.resolve() };
    this.#running.set(kept.id, running);
    return running;
  }

  #supervise(running: Running): void {
    running.ended = this.#run(running).finally(() => this.#running.delete(running.kept.id));
  }

  /** Runs it until it is stopped or the platform ends; what cannot be opened for the moment is opened later. */
  async #run(running: Running): Promise<void> {
    const { clock, say } = this.#deps;
    const { kept, stop } = running;
    const over = AbortSignal.any([stop.signal, this.#closing.signal]);
    for (let tried = 0; !over.aborted; tried++) {
      try {
        const stream = running.stream ?? (await this.#open(running));
        [running.stream, running.problem] = [stream, undefined];
        tried = 0;
        await stream.ended;
        return;
      } catch (error) {
        running.stream = undefined;
        if (over.aborted) return;
        if (isFinal(error)) {
          await this.#end(kept, { state: 'failed', error: messageOf(error), code: isGyreError(error) ? error.code : 'INTERNAL' }, kept.by);
          return;
        }
        running.problem = { reason: messageOf(error), since: running.problem?.since ?? isoInstant(clock.now()) };
        say(kept.id, `${messageOf(error)}; it is tried again`);
        await sleep(Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(tried, 10)), undefined, { signal: over }).catch(() => undefined);
      }
    }
  }

  async #open({ kept, stop }: Running): Promise<RunningStream> {
    const { brokers, metrics, clock, memberName, say, registry, elapsed, openTopics: open = openTopics } = this.#deps;
    const { id, request, group } = kept;
    const { from, inFlight, batch, attempts, ackWaitMs, create } = { ...usualChoices, ...request };
    await using opened = new AsyncDisposableStack();
    const version = await registry.getById(kept.model.id);
    const model = opened.use(
      // A model's own metrics have the names of a data plane's: they are not mixed with those of the control plane.
      await openStreamModel(this.#packageOf(version), { ...this.#deps, metrics: createMetrics(), inFlight }),
    );
    const tell = (line: string): void => say(id, line);
    const options = { from, inFlight, ackWaitMs, create, group, member: memberName(), say: tell, elapsed };
    const topics = await open(streamTopics(request), await brokers(), true, options);
    const stream = runStream({
      name: id,
      ...topics,
      inFlight,
      batch,
      attempts,
      ackWaitMs,
      group,
      model,
      clock,
      metrics: streamMetrics(metrics),
      signal: AbortSignal.any([stop.signal, this.#closing.signal]),
      say: tell,
    });
    const held = opened.move();
    void stream.ended.catch(() => undefined).finally(() => held.disposeAsync());
    return stream;
  }

  #packageOf(version: ModelVersion): { readonly manifest: ReleaseManifest; readonly source: PackageSource } {
    const { registry, clock } = this.#deps;
    const { id, model, version: number, files, signature } = version;
    const { package: digest, graph } = graphOf(version);
    // A graph that was brought under another name is served under the name that packages have.
    const named = files.some(({ path }) => path === 'model.onnx')
      ? files
      : files.map((file) => (file.path === graph ? { ...file, path: 'model.onnx' } : file));
    const pathOf = new Map(files.map((file) => [file.digest, file.path]));
    return {
      manifest: {
        format: 'gyre.manifest.v1',
        environment: 'stream',
        endpoint: model,
        generation: 1,
        models: [
          {
            name: model,
            version: String(number),
            modelVersion: id,
            package: digest,
            files: [...named],
            signature: signature ?? { task: 'regression', inputs: [], outputs: [], classes: [] },
            weight: 1,
          },
        ],
        log: { sample: 0 },
        limits: { maxBodyBytes: 64 * 2 ** 20, maxRows: 10_000 },
        tokenHashes: [],
        createdAt: isoInstant(clock.now()),
      },
      source: { read: (file) => registry.readFile(id, pathOf.get(asSha256(file.digest)) ?? file.path) },
    };
  }

  async #end(kept: StreamPrediction, how: Pick<KeptStream, 'state' | 'error' | 'code'>, by: Actor): Promise<void> {
    const { store, events, clock, owner } = this.#deps;
    const { figures: _, ...before } = kept;
    await store.write(
      async (tx, one: KeptStream) => {
        await keepStream(tx, { owner, prediction: one });
        events.publish(tx, {
          type: eventType('stream_prediction.ended'),
          subject: one.id,
          actor: by.identity,
          data: { id: one.id, model: one.model.name, modelVersion: one.model.id, state: one.state },
        });
      },
      { ...before, ...how, endedAt: isoInstant(clock.now()) },
    );
  }

  #shown(kept: KeptStream): StreamPrediction {
    const running = this.#running.get(kept.id);
    if (running === undefined) return kept;
    const { stream, problem } = running;
    if (stream !== undefined) return { ...kept, figures: stream.figures() };
    const nothing = { consumed: 0, redelivered: 0, published: 0, deadLetters: 0, retries: 0, inFlight: 0 };
    return { ...kept, figures: { state: 'waiting', ...nothing, ...(problem === undefined ? {} : { waiting: problem }) } };
  }
}

/** Whoever runs Gyre, or the one who asked, has to do something: no time mends it. */
function isFinal(error: unknown): boolean {
  return (
    isGyreError(error) &&
    ['INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'PERMISSION_DENIED', 'UNAUTHENTICATED', 'NOT_FOUND'].includes(error.code)
  );
}

function graphOf(version: ModelVersion): { readonly package: string; readonly graph: string } {
  const { files, package: digest, model, version: number, id } = version;
  const graph = files.find(({ path }) => path === 'model.onnx') ?? files.find(isModelGraph);
  if (digest !== undefined && graph !== undefined) return { package: digest, graph: graph.path };
  throw new GyreError('FAILED_PRECONDITION', `${model}/${number} has no graph (an .onnx file) in Gyre, so it answers no stream`, {
    modelVersion: id,
  });
}

/** Requests are recorded as they came, and whoever calls may not have the secrets of the environment sent to a place of their choice. */
function requireNoSecrets({ input, output, deadLetters = '' }: StreamRequestBody): void {
  for (const text of [input, output, deadLetters]) {
    if (text.includes('${')) throw new GyreError('INVALID_ARGUMENT', 'a request names no variables of the environment');
    if (/^[a-z+]+:\/\/[^/]*@/i.test(text))
      throw new GyreError(
        'INVALID_ARGUMENT',
        'an address in a request has no user and no password, because requests are recorded: what signs in to a broker stands in the file that GYRE_BROKERS names',
      );
  }
}
