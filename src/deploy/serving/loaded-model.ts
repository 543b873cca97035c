import type { ManifestModel } from '#contract';
import { GyreError, hasCode, messageOf } from '#core';
import { openSession, openSessionPool } from '#onnx';
import type { Feeds, Session, SessionValue } from '#onnx';
import { Batcher } from './batcher.ts';
import type { Ran } from './batcher.ts';
import { exampleOf } from './example.ts';
import { ModelStatistics } from './model-statistics.ts';
import type { PackageSource } from './package-source.ts';
import { stackRows } from './tensor-rows.ts';

/** Where a model runs: on the thread that answers HTTP (`inline`, for tiny models), or on worker threads. */
export type Lane = 'inline' | 'workers';

export interface LoadOptions {
  readonly source: PackageSource;
  /** Worker threads of a model that does not run inline. */
  readonly workers: number;
  /** Milliseconds since some fixed moment, not stepping back: for durations. */
  readonly elapsed: () => number;
  readonly lane?: Lane;
  /** Where a package's figures are kept while it is not loaded; default: they begin anew. */
  readonly statisticsOf?: (digest: string) => ModelStatistics;
  readonly onBatch?: (model: ManifestModel, rows: number, requests: number) => void;
}

/** A run on the HTTP thread may take this long for one row; a hop to a worker and back costs about 0.03 ms, and trees 20-45 % of throughput. */
const inlineRowMs = 0.3;
/** A run on the HTTP thread may take this long for all its rows: nothing else is answered meanwhile. */
const inlineBatchMs = 2;
/** Rows of one run, at most. */
const mostRows = 256;
const mostWorkerRows = 64;
const workerBatchMs = 50;
/** Larger models go to workers unmeasured: loading and probing them here would hold up requests for the model that they replace. */
const inlineModelBytes = 8 * 1024 * 1024;
const maxQueued = 4096;

interface Opened {
  readonly session: Session;
  readonly lane: Lane;
  readonly maxRows: number;
}

/** A model that answers, with its lane and batch size chosen by measurement. Shared by the manifests that name its package. */
export class LoadedModel {
  readonly package: string;
  readonly lane: Lane;
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  /** Whether the first axis of all inputs and outputs counts rows that do not depend on each other. */
  readonly rowWise: boolean;
  /** Rows of one run, at most. */
  readonly maxRows: number;
  readonly loadMs: number;
  readonly statistics: ModelStatistics;
  readonly #session: Session;
  readonly #batcher: Batcher;
  #users = 1;

  private constructor(model: ManifestModel, opened: Opened, rowWise: boolean, loadMs: number, options: LoadOptions) {
    const { session, lane, maxRows } = opened;
    this.package = model.package;
    this.statistics = options.statisticsOf?.(model.package) ?? new ModelStatistics();
    this.lane = lane;
    this.inputs = session.inputs;
    this.outputs = session.outputs;
    this.rowWise = rowWise;
    this.maxRows = maxRows;
    this.loadMs = loadMs;
    this.#session = session;
    this.#batcher = new Batcher({
      session,
      concurrency: lane === 'inline' ? 1 : options.workers,
      maxRows: rowWise ? maxRows : Number.POSITIVE_INFINITY,
      joinRequests: rowWise,
      maxQueued,
      elapsed: options.elapsed,
      onBatch: (rows, requests, times) => {
        this.statistics.ran(rows, times);
        options.onBatch?.(model, rows, requests);
      },
    });
  }

  /**
   * Reads a package's graph (its digest is checked), loads it, warms it up with the package's input example and chooses its lane.
   * @throws GyreError FAILED_PRECONDITION when the model does not keep its signature or fails on its own example; what the source and `openSession` throw
   */
  static async load(model: ManifestModel, options: LoadOptions): Promise<LoadedModel> {
    const { source, elapsed } = options;
    const startedMs = elapsed();
    const graph = await readMember(model, 'model.onnx', source);
    if (graph === undefined) {
      throw new GyreError('FAILED_PRECONDITION', `the package of ${model.name} ${model.version} has no model.onnx`, {
        package: model.package,
      });
    }
    const bytes = await readMember(model, 'input_example.json', source);
    const example = bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
    const lane = options.lane ?? (graph.byteLength > inlineModelBytes ? 'workers' : undefined);
    let session = lane === 'workers' ? await openSessionPool(graph, { workers: options.workers, maxQueued }) : await openSession(graph);
    try {
      requireSignature(model, session);
      const { feeds, given } = exampleOf(model.signature, session.inputs, example);
      const rowWise = await warmUp(model, session, feeds, given);
      let opened: Opened = { session, lane: 'workers', maxRows: mostRows };
      if (lane === 'workers') {
        opened = { ...opened, maxRows: rowWise ? await mostRowsWithin(session, feeds, elapsed, mostWorkerRows, workerBatchMs) : 1 };
      } else {
        const rowMs = await fastest(session, feeds, elapsed);
        if (lane === 'inline' || rowMs <= inlineRowMs) {
          opened = {
            session,
            lane: 'inline',
            maxRows: rowWise ? await mostRowsWithin(session, feeds, elapsed, mostRows, inlineBatchMs) : 1,
          };
        } else {
          const maxRows = rowWise ? await mostRowsWithin(session, feeds, elapsed, mostWorkerRows, workerBatchMs) : 1;
          const inline = session;
          session = await openSessionPool(graph, { workers: options.workers, maxQueued });
          await inline[Symbol.asyncDispose]();
          opened = { session, lane: 'workers', maxRows };
        }
      }
      return new LoadedModel(model, opened, rowWise, elapsed() - startedMs, options);
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  get queued(): number {
    return this.#batcher.queued;
  }

  /** @see Batcher.submit */
  run(feeds: Feeds, rows: number, timeoutMs?: number): Promise<Ran> {
    return this.#batcher.submit(feeds, rows, timeoutMs);
  }

  /** One more manifest names this package. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  /** One manifest less; the last one unloads the model. Runs that are under way finish first. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.#session[Symbol.asyncDispose]();
  }
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

/** The graph takes and gives what the signature says: otherwise callers would be answered with what nobody tested. */
function requireSignature(model: ManifestModel, session: Session): void {
  const taken = new Set(session.inputs.map(({ name }) => name));
  const given = new Set(session.outputs.map(({ name }) => name));
  const lacking = [
    ...model.signature.inputs.filter(({ name }) => !taken.has(name)).map(({ name }) => `input "${name}"`),
    ...model.signature.outputs.filter(({ name }) => !given.has(name)).map(({ name }) => `output "${name}"`),
  ];
  if (lacking.length > 0) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the graph of ${model.name} ${model.version} lacks what its signature names: ${lacking.join(', ')}`,
      {
        package: model.package,
      },
    );
  }
}

/** Runs the example once, and twice in one run. @returns whether rows can be put together and taken apart again */
async function warmUp(model: ManifestModel, session: Session, feeds: Feeds, given: boolean): Promise<boolean> {
  try {
    await session.run(feeds);
  } catch (error) {
    // Values made up from the signature may be such as the model refuses; its own example may not.
    if (!given) return false;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${model.name} ${model.version} fails on its own input example: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  }
  const rowAxis =
    session.inputs.length > 0 &&
    [...session.inputs, ...session.outputs].every(({ shape }) => typeof shape?.[0] === 'string') &&
    session.inputs.every(({ shape }) => shape?.slice(1).every((axis) => typeof axis === 'number'));
  if (!rowAxis) return false;
  try {
    const outputs = await session.run(repeated(feeds, 2));
    return Object.values(outputs).every(({ shape }) => shape[0] === 2);
  } catch {
    return false;
  }
}

/** The least of a few, since whatever else the machine does only adds to it; more of them while the first are cold or in doubt. */
async function fastest(session: Session, feeds: Feeds, elapsed: () => number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 30; repeat++) {
    const startedMs = elapsed();
    await session.run(feeds);
    least = Math.min(least, elapsed() - startedMs);
    if (least <= inlineRowMs / 2 || (repeat >= 2 && least > 10 * inlineRowMs)) break;
  }
  return least;
}

/** Doubles the rows of a run while it stays within its time and each row still costs less, or not more than a tenth more. */
async function mostRowsWithin(session: Session, feeds: Feeds, elapsed: () => number, most: number, batchMs: number): Promise<number> {
  let rows = 1;
  let rowMs = Number.POSITIVE_INFINITY;
  for (let next = 1; next <= most; next *= 2) {
    const batch = repeated(feeds, next);
    let least = Number.POSITIVE_INFINITY;
    for (let repeat = 0; repeat < 3 && !(least <= batchMs / 8); repeat++) {
      const startedMs = elapsed();
      await session.run(batch);
      least = Math.min(least, elapsed() - startedMs);
    }
    if (next > 1 && (least > batchMs || least / next > rowMs * 1.1)) break;
    rowMs = Math.min(rowMs, least / next);
    rows = next;
  }
  return rows;
}

function repeated(feeds: Feeds, times: number): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [
      name,
      stackRows(Array.from({ length: times }, () => ({ tensor, from: 0, to: tensor.shape[0] }))),
    ]),
  );
}
