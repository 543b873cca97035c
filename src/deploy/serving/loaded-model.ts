import type { ManifestModel } from '#contract';
import { GyreError, hasCode } from '#core';
import type { Feeds, SessionValue } from '#onnx';
import { Batcher } from './batcher.ts';
import type { Ran } from './batcher.ts';
import { exampleOf } from './example.ts';
import { Execution } from './execution.ts';
import type { CoreUse } from './execution.ts';
import type { ExecutionSettings, Lane } from './execution-settings.ts';
import { LaneWatch } from './lane-watch.ts';
import type { Advice } from './lane-watch.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { ModelStatistics } from './model-statistics.ts';
import type { RunTimes } from './model-statistics.ts';
import type { PackageSource } from './package-source.ts';
import { openPython, pythonPlatform } from './python/open-python.ts';
import type { PythonModel } from './python/open-python.ts';
import type { PythonSettings } from './python/settings.ts';
import {
  fastest,
  inlineBatchMs,
  inlineRowMs,
  mostInlineRows,
  mostRowsWithin,
  mostWorkerRows,
  requireSignature,
  warmUp,
  workerBatchMs,
} from './probe.ts';

export interface LoadOptions {
  readonly source: PackageSource;
  readonly execution: ExecutionSettings;
  /** Milliseconds since some fixed moment, not stepping back: for durations. */
  readonly elapsed: () => number;
  /** Milliseconds that the calling thread has computed: what a run costs however busy the machine is. Default: `elapsed`. */
  readonly computed?: () => number;
  /** Of all models of a data plane together. */
  readonly cores: CoreUse;
  readonly budget: MemoryBudget;
  /** Absent: models that only Python can load are refused. */
  readonly python?: PythonSettings;
  /** Where a package's figures are kept while it is not loaded; default: they begin anew. */
  readonly statisticsOf?: (digest: string) => ModelStatistics;
  readonly onBatch?: (model: ManifestModel, rows: number, requests: number) => void;
}

/** Larger models go to workers unmeasured: loading and probing them here would hold up requests for the model that they replace. */
const inlineModelBytes = 8 * 1024 * 1024;

interface Probed {
  readonly execution: Execution;
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  readonly rowWise: boolean;
  readonly maxRows: number;
}

/** A model that answers, with its lane and batch size chosen by measurement and watched. Shared by the manifests that name its package. */
export class LoadedModel {
  readonly package: string;
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  /** Whether the first axis of all inputs and outputs counts rows that do not depend on each other. */
  readonly rowWise: boolean;
  readonly loadMs: number;
  readonly statistics: ModelStatistics;
  readonly execution: Execution;
  readonly #batcher: Batcher;
  readonly #watch = new LaneWatch();
  readonly #mayMove: boolean;
  readonly #elapsed: () => number;
  readonly #onBatch: (rows: number, requests: number) => void;
  /** Rows of a run, where its operator says it. */
  readonly #given: number | undefined;
  /** Whether its operator wants requests to wait for each other. */
  readonly #waits: boolean;
  #maxRows: number;
  #users = 1;

  private constructor(model: ManifestModel, probed: Probed, mayMove: boolean, loadMs: number, options: LoadOptions) {
    const { execution, rowWise, maxRows } = probed;
    const { maxBatchRows, maxDelayMs } = options.execution;
    this.package = model.package;
    this.statistics = options.statisticsOf?.(model.package) ?? new ModelStatistics(options.elapsed);
    this.execution = execution;
    this.inputs = probed.inputs;
    this.outputs = probed.outputs;
    this.rowWise = rowWise;
    this.#maxRows = maxBatchRows ?? maxRows;
    this.#mayMove = mayMove;
    this.#elapsed = options.elapsed;
    this.#onBatch = (rows, requests) => options.onBatch?.(model, rows, requests);
    this.#given = maxBatchRows;
    this.#waits = (maxDelayMs ?? 0) > 0;
    this.loadMs = loadMs;
    this.#batcher = new Batcher({
      run: (feeds, runOptions, isLone) => execution.run(feeds, runOptions, isLone),
      inputs: probed.inputs.map(({ name }) => name),
      slots: () => execution.slots,
      ahead: () => execution.ahead,
      maxRows: () => (rowWise ? this.#maxRows : Number.POSITIVE_INFINITY),
      joinRequests: rowWise,
      maxDelayMs,
      maxQueued: () => execution.settings.maxQueued,
      elapsed: options.elapsed,
      onWaiting: (waitedMs) => execution.press(waitedMs),
      onBatch: (rows, requests, times) => this.#noteRun(rows, requests, times),
    });
    execution.events = { onSlots: () => this.#batcher.pump(), onFailure: (error) => this.#batcher.reject(error) };
  }

  /**
   * Reads a package's graph (its digest is checked), loads it, warms it up with the package's input example and chooses its lane.
   * @throws GyreError FAILED_PRECONDITION when the model does not keep its signature or fails on its own example; what the source and `openSession` throw
   */
  static async load(model: ManifestModel, options: LoadOptions): Promise<LoadedModel> {
    const { source, elapsed, execution: settings } = options;
    const startedMs = elapsed();
    if (model.python !== undefined) return LoadedModel.#loadPython({ ...model, python: model.python }, options);
    const readGraph = (): Promise<Uint8Array> => requireGraph(model, source);
    const graph = await readGraph();
    requireMemory(model, graph, options.budget);
    const bytes = await readMember(model, 'input_example.json', source);
    const example = bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
    const { lane } = settings;
    const isLarge = graph.byteLength > inlineModelBytes || settings.provider !== 'cpu';
    const execution = await Execution.open(graph, lane ?? (isLarge ? 'workers' : 'inline'), { ...options, settings, readGraph });
    try {
      const probed = await probe(model, execution, example, options);
      const mayMove = lane === undefined && !isLarge;
      const loaded = new LoadedModel(model, probed, mayMove, elapsed() - startedMs, options);
      await options.budget.settle(execution);
      return loaded;
    } catch (error) {
      await execution[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #loadPython(model: ManifestModel & PythonModel, options: LoadOptions): Promise<LoadedModel> {
    const { source, elapsed, execution: settings, python } = options;
    const startedMs = elapsed();
    const own = model.files.some(({ path }) => path === 'input_example.json');
    // Gyre's own example lies beside the files that were brought, MLflow's among them.
    const bytes = await readMember(model, `${own ? '' : model.python.folder}input_example.json`, source);
    const example = bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
    const open = (): ReturnType<typeof openPython> =>
      openPython(model, {
        source,
        elapsed,
        ...(python === undefined ? {} : { settings: python }),
        ...(example === undefined ? {} : { example }),
      });
    const execution = await Execution.openPython(open, { ...options, settings });
    try {
      const probed = await probe(model, execution, example, options);
      const loaded = new LoadedModel(model, probed, false, elapsed() - startedMs, options);
      await options.budget.settle(execution);
      return loaded;
    } catch (error) {
      await execution[Symbol.asyncDispose]();
      throw error;
    }
  }

  get lane(): Lane | 'python' {
    return this.execution.lane;
  }

  /** What the model is run by, as the protocol's metadata say it. */
  get platform(): string {
    return this.lane === 'python' ? pythonPlatform : 'onnxruntime_onnx';
  }

  /** Rows of one run, at most. */
  get maxRows(): number {
    return this.#maxRows;
  }

  get queued(): number {
    return this.#batcher.queued;
  }

  #noteRun(rows: number, requests: number, times: RunTimes): void {
    this.statistics.ran(rows, times);
    this.#onBatch(rows, requests);
    const lane = this.execution.lane === 'inline' ? 'inline' : 'workers';
    this.#heed(this.#watch.note(lane, this.#maxRows, rows, times.computedMs ?? times.inferMs), this.#given);
  }

  /** Whether it mostly does not let requests wait for each other. */
  get answersNow(): boolean {
    return this.execution.canRunNow && !this.#waits;
  }

  /**
   * Runs one request at once and alone, where that costs less than waiting for others to share a run with.
   * @returns undefined when it is to be `run`
   * @throws GyreError what `Session.runNow` throws
   */
  runNow(feeds: Feeds, rows: number): Ran | undefined {
    if (!this.answersNow || rows > this.#maxRows || this.queued > 0) return undefined;
    const startedMs = this.#elapsed();
    const outputs = this.execution.runNow(feeds);
    this.#noteRun(rows, 1, { inputMs: 0, inferMs: this.#elapsed() - startedMs, outputMs: 0 });
    return { outputs, queuedMs: 0, batch: { rows, requests: 1, worker: undefined } };
  }

  /** @see Batcher.submit */
  run(feeds: Feeds, rows: number, timeoutMs?: number): Promise<Ran> {
    return this.#batcher.submit(feeds, rows, timeoutMs);
  }

  /** To be called once in a while: it grows while requests wait, and shrinks when little is asked. */
  balance(): void {
    this.#batcher.press();
    this.execution.relax(this.queued);
  }

  #heed(advice: Advice | undefined, given: number | undefined): void {
    const mayShare = this.rowWise && given === undefined;
    if (advice === 'fewer-rows' && mayShare) this.#maxRows = Math.max(1, this.#maxRows >> 1);
    else if (advice === 'more-rows' && mayShare) this.#maxRows *= 2;
    else if (advice === 'to-workers' && this.#mayMove) void this.#move('workers', given);
    else if (advice === 'to-inline' && this.#mayMove) void this.#move('inline', given);
  }

  async #move(lane: Lane, given: number | undefined): Promise<void> {
    const moved = await this.execution.move(lane);
    if (moved && lane === 'workers' && given === undefined) this.#maxRows = Math.min(this.#maxRows, mostWorkerRows);
  }

  /** One more manifest names this package. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  /** One manifest less; the last one unloads the model. Runs that are under way finish first. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.execution[Symbol.asyncDispose]();
  }
}

/** Warms a model up and measures it: its lane, and how many rows go together. */
async function probe(model: ManifestModel, execution: Execution, example: string | undefined, options: LoadOptions): Promise<Probed> {
  const { elapsed, computed = elapsed, execution: settings } = options;
  let session = requireSession(execution);
  requireSignature(model, session);
  const { inputs, outputs } = session;
  const { feeds, given } = exampleOf(model.signature, inputs, example);
  const rowWise = await warmUp(model, session, feeds, given);
  if (execution.lane === 'inline' && settings.lane === undefined && (await fastest(session, feeds, computed)) > inlineRowMs) {
    await execution.move('workers');
    session = requireSession(execution);
  }
  const isInline = execution.lane === 'inline';
  const [most, batchMs] = isInline ? [mostInlineRows, inlineBatchMs] : [mostWorkerRows, workerBatchMs];
  const maxRows = rowWise ? await mostRowsWithin(session, feeds, execution.lane === 'python' ? elapsed : computed, most, batchMs) : 1;
  await execution.widen((one) => fastest(one, feeds, elapsed));
  await execution.rest();
  return { execution, inputs, outputs, rowWise, maxRows };
}

function requireSession({ session }: Execution): NonNullable<Execution['session']> {
  if (session === undefined) throw new GyreError('INTERNAL', 'a model was put to sleep while it was measured');
  return session;
}

function requireMemory({ name, version }: ManifestModel, graph: Uint8Array, { limit }: MemoryBudget): void {
  if (graph.byteLength <= limit) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${name} ${version} alone has ${Math.ceil(graph.byteLength / 2 ** 20)} MiB; all models together may take ${Math.floor(limit / 2 ** 20)} MiB here`,
    { bytes: graph.byteLength, limit },
  );
}

async function requireGraph(model: ManifestModel, source: PackageSource): Promise<Uint8Array> {
  const graph = await readMember(model, 'model.onnx', source);
  if (graph !== undefined) return graph;
  throw new GyreError('FAILED_PRECONDITION', `the package of ${model.name} ${model.version} has no model.onnx`, { package: model.package });
}

async function readMember(model: ManifestModel, path: string, source: PackageSource): Promise<Uint8Array | undefined> {
  const file = model.files.find((member) => member.path === path);
  if (file === undefined) return undefined;
  try {
    return await source.read(file);
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND') && !hasCode(error, 'DATA_LOSS')) throw error;
    throw new GyreError(
      error.code,
      `${path} of ${model.name} ${model.version}: ${error.message}`,
      { package: model.package, path },
      { cause: error },
    );
  }
}
