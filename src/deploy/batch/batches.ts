import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { eventType, isModelGraph } from '#contract';
import type { Actor, BatchPrediction, BatchRequestBody, DatasetVersion, EventTypes, ModelVersion } from '#contract';
import { GyreError, hasCode, isGyreError, isoInstant, messageOf } from '#core';
import type { Clock, NewId } from '#core';
import type { Data } from '#data';
import type { Events } from '#events';
import type { Registry } from '#registry';
import type { Store } from '#store';
import { inputFromText } from './addresses.ts';
import { batchOf, keepBatch, listBatches, openBatches as unfinished } from './batch-store.ts';
import { openOutput } from './outputs/open-output.ts';
import type { BatchInput, BatchModel, BatchRequest, BatchResult, PredictDeps } from './port.ts';
import { predictBatch } from './predict.ts';
import { addressOf, choicesOf, requireNoSecrets, targetOf } from './requests.ts';

export interface BatchesDeps {
  readonly store: Store;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly data: Pick<Data, 'named' | 'get' | 'rowsPath' | 'createFromFile'>;
  readonly registry: Pick<Registry, 'get' | 'getById' | 'getModel' | 'readFile'>;
  /** The id of the model version that is live in an environment. */
  readonly liveIn: (environment: string) => Promise<string | undefined>;
  readonly predict: PredictDeps;
  /** Folder for the work, absolute. */
  readonly folder: string;
  /** Where relative paths of inputs and outputs start. */
  readonly projectFolder: () => string;
  readonly workers: number;
  readonly memoryLimitMib?: number;
}

export interface StartBatch {
  readonly body: BatchRequestBody;
  readonly by: Actor;
  /** The schedule that it is begun by. */
  readonly schedule?: NonNullable<BatchPrediction['schedule']>;
  readonly reason?: string;
}

export interface BatchList {
  readonly model?: string;
  /** Those that a schedule began. */
  readonly schedule?: string;
  /** 100 without it. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Batch predictions of registered models: begun, watched, recorded, gone on with after the process died. */
export interface Batches extends AsyncDisposable {
  /**
   * Begins one; it is recorded before this returns, and worked on when those before it are done.
   * @throws GyreError NOT_FOUND (model, dataset), INVALID_ARGUMENT (addresses), ALREADY_EXISTS (an output that may not be replaced), FAILED_PRECONDITION
   */
  start(request: StartBatch): Promise<BatchPrediction>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<BatchPrediction>;
  /** Newest first. */
  list(options?: BatchList): Promise<{ readonly items: readonly BatchPrediction[]; readonly next?: string }>;
  /** Stops one: nothing of it is published. One that has ended stays as it is. @throws GyreError NOT_FOUND */
  cancel(id: string): Promise<BatchPrediction>;
  /** When it has ended. @throws GyreError NOT_FOUND */
  wait(id: string): Promise<BatchPrediction>;
  /** The model version that a request names. @throws GyreError NOT_FOUND, INVALID_ARGUMENT */
  versionOf(reference: string): Promise<ModelVersion>;
  /** Goes on with what a process that died left. @returns how many */
  resume(): Promise<number>;
  /** Tells of each when it begins, now and then how far it is, and when it has ended. @returns a function that ends it */
  watch(tell: (prediction: BatchPrediction) => void): () => void;
}

/** Whoever looks at a picture of it sees no more than this. */
const tellEveryMs = 250;

/** Opens the room. What an earlier process left is gone on with when `resume` is called. */
export function openBatches(deps: BatchesDeps): Batches {
  return new OpenBatches(deps);
}

class OpenBatches implements Batches {
  readonly #deps: BatchesDeps;
  readonly #running = new Map<string, { prediction: BatchPrediction; readonly stop: AbortController; readonly ended: Promise<void> }>();
  readonly #watchers = new Set<(prediction: BatchPrediction) => void>();
  readonly #closing = new AbortController();
  #last: Promise<void> = Promise.resolve();

  constructor(deps: BatchesDeps) {
    this.#deps = deps;
  }

  async start({ body, by, schedule, reason }: StartBatch): Promise<BatchPrediction> {
    const { store, newId, clock, folder, projectFolder } = this.#deps;
    requireNoSecrets(body);
    const version = await this.versionOf(body.model);
    const model = await this.#modelOf(version);
    const input = await this.#inputOf(body);
    const target = targetOf(body, projectFolder());
    if (target !== undefined) await openOutput(target, body.existing ?? 'refuse', this.#deps.predict).prepare();
    const id = newId();
    const prediction: BatchPrediction = {
      id,
      state: 'queued',
      ...(schedule === undefined ? {} : { schedule }),
      ...(reason === undefined ? {} : { reason }),
      request: body,
      model: { id: version.id, name: version.model, version: version.version, package: model.package },
      input: { address: addressOf(body, input), ...(input.version === undefined ? {} : { version: input.version.digest }) },
      dataset: {
        name:
          body.dataset ?? `${version.model.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '')}-predictions`.slice(0, 128),
      },
      ...(target === undefined ? {} : { output: openOutput(target, body.existing ?? 'refuse', this.#deps.predict).address }),
      queuedAt: isoInstant(clock.now()),
      by,
    };
    // by its folder it is known whose it is, where several processes share a database
    await mkdir(join(folder, id), { recursive: true });
    await store.write(async (tx, kept: BatchPrediction) => {
      await keepBatch(tx, kept);
      this.#deps.events.publish(tx, {
        type: eventType('batch_prediction.started'),
        subject: id,
        actor: by.identity,
        data: {
          id,
          model: kept.model.name,
          modelVersion: kept.model.id,
          ...(kept.schedule === undefined ? {} : { schedule: kept.schedule.name }),
          ...(kept.input.version === undefined ? {} : { input: kept.input.version }),
        },
      });
    }, prediction);
    this.#enqueue(prediction);
    return prediction;
  }

  async get(id: string): Promise<BatchPrediction> {
    const found = this.#running.get(id)?.prediction ?? (await this.#deps.store.read((db) => batchOf(db, id)));
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `there is no batch prediction "${id}"; \`gyre batch ls\` lists them`, { id });
  }

  async list({ model, schedule, limit = 100, after }: BatchList = {}): Promise<{
    readonly items: readonly BatchPrediction[];
    readonly next?: string;
  }> {
    const before = after === undefined ? undefined : Number(after);
    if (before !== undefined && !Number.isSafeInteger(before))
      throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token`, { after });
    const found = await this.#deps.store.read((db) => listBatches(db, { model, schedule }, limit + 1, before));
    const items = found.slice(0, limit);
    return {
      items: items.map(({ prediction }) => this.#running.get(prediction.id)?.prediction ?? prediction),
      ...(found.length > limit ? { next: String(items[items.length - 1].position) } : {}),
    };
  }

  async cancel(id: string): Promise<BatchPrediction> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      running.stop.abort();
      await running.ended;
    }
    return this.get(id);
  }

  async wait(id: string): Promise<BatchPrediction> {
    await this.#running.get(id)?.ended;
    return this.get(id);
  }

  async resume(): Promise<number> {
    const { store, folder } = this.#deps;
    let count = 0;
    for (const prediction of await store.read(unfinished)) {
      if (this.#running.has(prediction.id)) continue;
      if ((await stat(join(folder, prediction.id)).catch(() => undefined)) === undefined) continue;
      this.#enqueue(prediction);
      count += 1;
    }
    return count;
  }

  watch(tell: (prediction: BatchPrediction) => void): () => void {
    this.#watchers.add(tell);
    return () => void this.#watchers.delete(tell);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended));
  }

  async versionOf(reference: string): Promise<ModelVersion> {
    const { registry, liveIn } = this.#deps;
    if (reference.startsWith('environment:')) {
      const environment = reference.slice('environment:'.length);
      const live = await liveIn(environment);
      if (live !== undefined) return registry.getById(live);
      throw new GyreError('FAILED_PRECONDITION', `nothing is live in "${environment}": a version has to be rolled out there first`, {
        environment,
      });
    }
    const text = reference.replace(/^models:\//, '');
    // a name may hold nearly anything, an "@" too, but no "/"
    const [, name = '', version = 'latest'] = /^([^/]+)[/]([^/]+)$/.exec(text) ?? /^([^/]+)@([\w-]+)$/.exec(text) ?? [undefined, text];
    if (name === '' || name.includes('/'))
      throw new GyreError(
        'INVALID_ARGUMENT',
        `"${reference}" names no model version: churn, churn/3, churn@champion, models:/churn/3 or environment:production are needed`,
      );
    return registry.get(name, version);
  }

  async #modelOf(version: ModelVersion): Promise<BatchModel> {
    const { model, version: number, package: digest, files, signature } = version;
    const graph = files.find(({ path }) => path === 'model.onnx') ?? files.find(isModelGraph);
    if (digest === undefined || graph === undefined)
      throw new GyreError(
        'FAILED_PRECONDITION',
        `${model}/${number} has no graph (an .onnx file) in Gyre, so nothing can be predicted with it`,
        { modelVersion: version.id },
      );
    return {
      name: model,
      version: String(number),
      package: digest,
      signature: signature ?? { inputs: [], outputs: [], classes: [] },
      graph: await this.#deps.registry.readFile(version.id, graph.path),
    };
  }

  async #inputOf(body: BatchRequestBody): Promise<{ readonly input: BatchInput; readonly version?: DatasetVersion }> {
    const { data, projectFolder } = this.#deps;
    const { input, query, fromTable } = body;
    if (!input.startsWith('dataset:')) {
      const asked = { ...(query === undefined ? {} : { query }), ...(fromTable === undefined ? {} : { table: fromTable }) };
      return { input: { source: inputFromText(input, asked, projectFolder()) } };
    }
    const name = input.slice('dataset:'.length);
    const version = await data.named(name);
    return {
      input: { parquet: await data.rowsPath(version.digest), address: `${version.dataset}@${version.digest.slice(0, 12)}` },
      version,
    };
  }

  #enqueue(prediction: BatchPrediction): void {
    const stop = new AbortController();
    const ended = this.#last.then(() => this.#work(prediction.id, stop));
    this.#last = ended;
    this.#running.set(prediction.id, { prediction, stop, ended });
    this.#tell(prediction);
  }

  async #work(id: string, stop: AbortController): Promise<void> {
    const running = this.#running.get(id);
    if (running === undefined) return;
    const { clock, store } = this.#deps;
    const signal = AbortSignal.any([stop.signal, this.#closing.signal]);
    try {
      if (this.#closing.signal.aborted) return;
      if (stop.signal.aborted) throw new GyreError('CANCELLED', 'stopped before it began; nothing was published');
      running.prediction = { ...running.prediction, state: 'running', startedAt: running.prediction.startedAt ?? isoInstant(clock.now()) };
      await store.write(keepBatch, running.prediction);
      this.#tell(running.prediction);
      const result = await this.#predict(running, signal);
      await this.#record(running, result);
    } catch (error) {
      // whoever opens the data folder next goes on with it
      if (this.#closing.signal.aborted && !stop.signal.aborted) return;
      await this.#fail(running, error).catch(() => undefined);
    } finally {
      this.#running.delete(id);
      this.#tell(running.prediction);
    }
  }

  async #predict(running: { prediction: BatchPrediction }, signal: AbortSignal): Promise<BatchResult> {
    const { registry, predict, folder, workers, memoryLimitMib, newId, clock, projectFolder } = this.#deps;
    const { id, request: body, model } = running.prediction;
    const { input } = await this.#inputOf(
      running.prediction.input.version === undefined ? body : { ...body, input: `dataset:${running.prediction.input.version}` },
    );
    const target = targetOf(body, projectFolder());
    let told = 0;
    const request: BatchRequest = {
      model: await this.#modelOf(await registry.getById(model.id)),
      input,
      outputs: [
        { target: { kind: 'file', path: join(folder, `${id}.parquet`), format: 'parquet', isPlain: true }, existing: 'replace' },
        ...(target === undefined ? [] : [{ target, existing: body.existing ?? ('refuse' as const) }]),
      ],
      choices: choicesOf(body),
      work: join(folder, id),
      keepWork: true,
      ...(body.maxFailed === undefined ? {} : { maxFailed: body.maxFailed }),
      workers,
      ...(memoryLimitMib === undefined ? {} : { memoryLimitMib }),
      newId,
      signal,
      progress: (progress) => {
        running.prediction = { ...running.prediction, progress };
        const now = clock.now();
        if (now < told + tellEveryMs) return;
        told = now;
        this.#tell(running.prediction);
      },
    };
    return predictBatch(request, predict);
  }

  /** What came of it: a dataset version that names its parents, the record, and the event. */
  async #record(running: { prediction: BatchPrediction }, result: BatchResult): Promise<void> {
    const { data, store, events, clock, folder } = this.#deps;
    const { progress: _, ...before } = running.prediction;
    const { id, dataset, model, input, by } = before;
    const parents = input.version === undefined ? [] : [input.version];
    const file = join(folder, `${id}.parquet`);
    // a dataset version has at least one row
    const made =
      result.rows === 0
        ? undefined
        : await data.createFromFile({
            dataset: dataset.name,
            path: file,
            derivedFrom: {
              parents,
              operation: 'predict',
              parameters: { modelVersion: model.id, package: model.package, plan: result.plan },
            },
            source: `predictions of ${model.name}/${model.version}`,
            by,
          });
    const { rows, predicted, failed, failures, plan } = result;
    const prediction: BatchPrediction = {
      ...before,
      state: 'finished',
      input: { ...input, sha256: result.input.sha256 },
      dataset: { ...dataset, ...(made === undefined ? {} : { version: made.version.digest }) },
      rows,
      predicted,
      failed,
      failures: [...failures],
      plan,
      finishedAt: isoInstant(clock.now()),
    };
    await store.write(async (tx, kept: BatchPrediction) => {
      await keepBatch(tx, kept);
      events.publish(tx, {
        type: eventType('batch_prediction.finished'),
        subject: id,
        actor: by.identity,
        data: {
          id,
          model: model.name,
          modelVersion: model.id,
          state: 'finished',
          ...(prediction.schedule === undefined ? {} : { schedule: prediction.schedule.name }),
          rows,
          predicted,
          failed,
          ...(made === undefined ? {} : { dataset: made.version.digest }),
        },
      });
    }, prediction);
    running.prediction = prediction;
    await this.#sweep(id);
  }

  async #fail(running: { prediction: BatchPrediction }, error: unknown): Promise<void> {
    const { store, events, clock } = this.#deps;
    const { progress: _, ...before } = running.prediction;
    const state = hasCode(error, 'CANCELLED') ? 'cancelled' : 'failed';
    const prediction: BatchPrediction = {
      ...before,
      state,
      error: messageOf(error),
      code: isGyreError(error) ? error.code : 'INTERNAL',
      finishedAt: isoInstant(clock.now()),
    };
    running.prediction = prediction;
    await store.write(async (tx, kept: BatchPrediction) => {
      await keepBatch(tx, kept);
      const { id, model, by, schedule, error: why } = kept;
      events.publish(tx, {
        type: eventType('batch_prediction.finished'),
        subject: id,
        actor: by.identity,
        data: {
          id,
          model: model.name,
          modelVersion: model.id,
          state,
          ...(schedule === undefined ? {} : { schedule: schedule.name }),
          ...(why === undefined ? {} : { error: why }),
        },
      });
    }, prediction);
    await this.#sweep(prediction.id);
  }

  async #sweep(id: string): Promise<void> {
    await rm(join(this.#deps.folder, `${id}.parquet`), { force: true });
    await rm(join(this.#deps.folder, id), { recursive: true, force: true });
  }

  #tell(prediction: BatchPrediction): void {
    for (const watcher of this.#watchers) watcher(prediction);
  }
}
