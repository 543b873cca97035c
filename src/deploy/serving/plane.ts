import type { ReleaseManifest } from '#contract';
import { canonicalJson, GyreError, messageOf } from '#core';
import { exposed, merged } from '#telemetry';
import type { MetricFamily } from '#telemetry';
import type { CoreUse } from './execution.ts';
import { executionMetrics } from './execution-metrics.ts';
import { executionSettings, partOf } from './execution-settings.ts';
import { Generation, titleOf } from './generation.ts';
import type { HeldModel } from './generation.ts';
import { ImageDecoder } from './image-decoder.ts';
import type { LoadOptions } from './loaded-model.ts';
import { Inferring } from './inferring.ts';
import { MemoryBudget } from './memory-budget.ts';
import { ModelStatistics } from './model-statistics.ts';
import { peerMetrics } from './peer-metrics.ts';
import { figuresOfMemory, figuresOfModel, figuresOfWarm } from './plane-figures.ts';
import type { PlaneFigures } from './plane-figures.ts';
import { PlaneLog } from './plane-log.ts';
import { noteLoads, planeMetrics } from './plane-metrics.ts';
import type { PlaneMetrics } from './plane-metrics.ts';
import type { PlaneChange, PlanePeer } from './plane-peers.ts';
import type { Answered, Lease, PlaneDeps, RepositoryModel, SwapAnswer } from './plane-port.ts';
import { mergedFigures, mergedModels } from './plane-report.ts';
import type { ModelReport, PlaneReport } from './plane-report.ts';
import { pythonMetrics } from './python/python-metrics.ts';
import type { Caller } from './route.ts';
import { Shadows } from './shadows.ts';
import { Traffic } from './traffic.ts';

/** The models of one manifest, answering. Several may answer together, each on a thread: one of them leads, and the others are its peers. */
export class Plane implements PlanePeer, AsyncDisposable {
  readonly #deps: PlaneDeps;
  readonly #loadOptions: Opened['loadOptions'];
  readonly #budget: MemoryBudget;
  readonly #balancing: NodeJS.Timeout;
  readonly #shadows: Shadows;
  readonly #traffic: Traffic;
  readonly #counts: PlaneMetrics;
  readonly #log: PlaneLog;
  readonly #images: ImageDecoder;
  readonly #inferring: Inferring;
  #current: Generation;
  #draining = false;
  #inFlight = 0;
  /** Titles of models that were unloaded by name. */
  #unloaded: ReadonlySet<string>;
  #prepared: Prepared | undefined;
  readonly #peers: PlanePeer[] = [];
  /** That answer together, or will. */
  #planes: number;
  /** Swaps go one after the other. */
  #swapping: Promise<unknown> = Promise.resolve();
  readonly #retiring = new Set<Promise<void>>();

  private constructor(deps: PlaneDeps, opened: Opened, counts: PlaneMetrics, first: Generation, served: PlaneChange) {
    this.#deps = deps;
    this.#loadOptions = opened.loadOptions;
    this.#budget = opened.budget;
    this.#counts = counts;
    this.#current = first;
    this.#unloaded = new Set(served.unloaded);
    this.#planes = served.planes;
    this.#images = new ImageDecoder({ threads: deps.workers, elapsed: deps.elapsed });
    this.#traffic = new Traffic(deps.elapsed);
    this.#log = new PlaneLog(deps, counts);
    this.#log.follow(first.manifest);
    this.#shadows = new Shadows({
      ...deps,
      isCalm: ({ loaded }) =>
        this.models.every(({ loaded: { queued } }) => queued === 0) &&
        (this.#inFlight === 0 || (loaded.lane !== 'inline' && opened.cores.running < deps.workers)),
      ...(deps.shadowLog === undefined ? {} : { log: deps.shadowLog }),
    });
    this.#inferring = new Inferring({ ...deps, counts, log: this.#log, shadows: this.#shadows, images: this.#images });
    this.#balancing = setInterval(() => {
      for (const { loaded } of this.models) loaded.balance();
      for (const { loaded } of this.#current.warm) loaded?.balance();
      void this.#budget.settle();
      void this.#shadows.pump();
    }, balanceEveryMs);
    this.#balancing.unref();
    deps.metrics.onCollect(() => {
      counts.ready.set(this.ready ? 1 : 0);
      counts.generation.set(this.manifest.generation);
      counts.inFlight.set(this.#inFlight);
    });
    peerMetrics(deps.metrics, () => this.models);
    executionMetrics(deps.metrics, () => this.models);
    pythonMetrics(deps.metrics, () => this.models);
  }

  /** Loads a manifest's models and is ready. @throws GyreError what `LoadedModel.load` throws */
  static open(manifest: ReleaseManifest, deps: PlaneDeps): Promise<Plane> {
    return Plane.follow({ manifest, unloaded: [], planes: 1 }, deps);
  }

  /** As `open`, for a plane that joins others. @param served what they serve */
  static async follow(served: PlaneChange, deps: PlaneDeps): Promise<Plane> {
    const counts = planeMetrics(deps.metrics);
    const statistics = new Map<string, ModelStatistics>();
    const budget = new MemoryBudget();
    const cores = { running: 0 };
    const loadOptions = ({ manifest: { execution }, planes }: PlaneChange): LoadOptions => ({
      source: deps.source,
      elapsed: deps.elapsed,
      ...(deps.computed === undefined ? {} : { computed: deps.computed }),
      execution: partOf(executionSettings([deps.execution, execution], deps.workers), planes),
      cores,
      budget,
      ...(deps.python === undefined ? {} : { python: deps.python }),
      statisticsOf: (digest) => statistics.getOrInsertComputed(digest, () => new ModelStatistics(deps.elapsed, deps.clock.now())),
      onBatch: ({ name }, rows, requests) => {
        counts.batchRows.observe(rows, { model: name });
        counts.batchRequests.observe(requests, { model: name });
      },
    });
    limitMemory(budget, deps, served);
    const first = await Generation.load(served.manifest, loadOptions(served), undefined, new Set(served.unloaded));
    noteLoads(counts, first);
    const plane = new Plane(deps, { loadOptions, budget, cores }, counts, first, served);
    await plane.#images.warmUp(first.models);
    first.keepWarm(loadOptions(served));
    return plane;
  }

  get manifest(): ReleaseManifest {
    return this.#current.manifest;
  }

  /** False once it drains. */
  get ready(): boolean {
    return !this.#draining;
  }

  get counts(): PlaneMetrics {
    return this.#counts;
  }

  /** Counts an answer, by whichever transport it left. */
  answered({ route, code, receivedMs, isInference, isError }: Answered): void {
    const tookMs = this.#deps.elapsed() - receivedMs;
    this.#counts.requests.inc({ route, code });
    this.#counts.requestSeconds.observe(tookMs / 1000, { route });
    if (isInference) this.#traffic.note(tookMs, isError);
  }

  /** What `/metrics` says, of all planes that answer together. */
  metricsText(): string | Promise<string> {
    const { leader, metrics } = this.#deps;
    if (leader !== undefined) return leader.metricsText();
    if (this.#peers.length === 0) return metrics.expose();
    return Promise.all([this.collect(), ...this.#peers.map((peer) => peer.collect())]).then((all) => exposed(merged(all)));
  }

  get models(): readonly HeldModel[] {
    return this.#current.models;
  }

  /** Epoch milliseconds. */
  now(): number {
    return this.#deps.clock.now();
  }

  /** Since some fixed moment; for `Inference.receivedMs`. */
  elapsed(): number {
    return this.#deps.elapsed();
  }

  /**
   * Holds the model that answers to this name.
   * @param caller what routes go by
   * @throws GyreError NOT_FOUND naming what is served
   */
  lease(name: string, version?: string, caller?: Caller): Lease {
    const generation = this.#current;
    const routed = generation.find(name, version, this.#deps.chance, caller);
    const { model } = routed;
    generation.hold();
    this.#inFlight += 1;
    return {
      manifest: generation.manifest,
      model,
      decoded: (inference) => this.#inferring.decoded(generation.manifest, model, inference),
      infer: (inference) => this.#inferring.infer(generation, routed, inference),
      inferNow: (inference) => this.#inferring.inferNow(generation, routed, inference),
      [Symbol.dispose]: () => {
        this.#inFlight -= 1;
        generation.letGo();
        void this.#shadows.pump();
      },
    };
  }

  /**
   * Replaces the manifest: its models are loaded and warmed up beside the old ones, then new requests go to them; requests under way finish
   * on the old ones, which are unloaded after the last. A manifest that cannot be served changes nothing. Peers load it too, before it is
   * served by any.
   * @param read gives the manifest; reading and verifying it is part of the swap @param isBack an older generation is asked for as well
   */
  swap(read: () => Promise<ReleaseManifest>, isBack = false): Promise<SwapAnswer> {
    const answer = this.#swapping.then(async (): Promise<SwapAnswer> => {
      try {
        const manifest = await read();
        if (this.#isNews(manifest, isBack)) await this.#become(manifest);
        this.#counts.swaps.inc({ result: 'loaded' });
        return { loaded: true, generation: manifest.generation };
      } catch (error) {
        this.#counts.swaps.inc({ result: 'refused' });
        return { loaded: false, refused: messageOf(error) };
      }
    });
    this.#swapping = answer;
    return answer;
  }

  /** Whether it is another one than is served. @throws GyreError FAILED_PRECONDITION when it may not be served after that */
  #isNews(manifest: ReleaseManifest, isBack: boolean): boolean {
    const old = this.manifest;
    const refuse = (reason: string): never => {
      throw new GyreError('FAILED_PRECONDITION', reason, { generation: manifest.generation });
    };
    if (this.#draining) refuse('the data plane is draining');
    if (manifest.environment !== old.environment) {
      refuse(`the manifest is for the environment "${manifest.environment}"; this data plane serves "${old.environment}"`);
    }
    if (manifest.generation === old.generation && canonicalJson(manifest) === canonicalJson(old)) return false;
    if (manifest.generation <= old.generation && !isBack) {
      refuse(`generation ${manifest.generation} is not newer than ${old.generation}, which is served; a rollback is a new generation too`);
    }
    return true;
  }

  /** Prepares all planes, and commits them when all can. @param unloaded default: what a new manifest names is loaded, whatever was unloaded here before it was written */
  async #become(manifest: ReleaseManifest, unloaded: readonly string[] = []): Promise<void> {
    const planes: readonly PlanePeer[] = [this, ...this.#peers];
    const change = { manifest, unloaded, planes: this.#planes };
    const prepared = await Promise.allSettled(planes.map((plane) => plane.prepare(change)));
    const failed = prepared.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') {
      await Promise.all(planes.map((plane) => plane.abandon()));
      throw failed.reason;
    }
    await Promise.all(planes.map((plane) => plane.commit()));
  }

  async prepare(change: PlaneChange): Promise<void> {
    const { limit } = this.#budget;
    limitMemory(this.#budget, this.#deps, change);
    try {
      const generation = await Generation.load(change.manifest, this.#loadOptions(change), this.#current, new Set(change.unloaded));
      this.#prepared = { change, generation, limit };
      noteLoads(this.#counts, generation);
      await this.#images.warmUp(generation.models);
    } catch (error) {
      this.#budget.limit = limit;
      await this.abandon();
      throw error;
    }
  }

  commit(): Promise<void> {
    const prepared = this.#prepared;
    if (prepared === undefined) return Promise.reject(new GyreError('FAILED_PRECONDITION', 'nothing is prepared'));
    const old = this.#current;
    this.#prepared = undefined;
    this.#current = prepared.generation;
    this.#unloaded = new Set(prepared.change.unloaded);
    prepared.generation.begin();
    prepared.generation.keepWarm(this.#loadOptions(prepared.change));
    this.#log.follow(this.manifest);
    this.#shadows.drop();
    const retired = old.retire();
    this.#retiring.add(retired);
    void retired.finally(() => this.#retiring.delete(retired));
    return Promise.resolve();
  }

  async abandon(): Promise<void> {
    const prepared = this.#prepared;
    if (prepared === undefined) return;
    this.#prepared = undefined;
    this.#budget.limit = prepared.limit;
    await prepared.generation.retire();
  }

  /**
   * Leads another plane from now on: it takes every change, and counts in every figure.
   * @param open opens it with what is served; no manifest is replaced meanwhile
   * @throws GyreError FAILED_PRECONDITION once this one drains; what `open` throws
   */
  lead(open: (served: PlaneChange) => Promise<PlanePeer>): Promise<void> {
    const joined = this.#swapping.then(async () => {
      if (this.#draining) throw new GyreError('FAILED_PRECONDITION', 'the data plane is draining');
      const planes = Math.max(this.#planes, this.#peers.length + 2);
      this.#peers.push(await open({ manifest: this.manifest, unloaded: [...this.#unloaded], planes }));
      this.#planes = planes;
      // Each has a smaller part now.
      await this.#become(this.manifest, [...this.#unloaded]);
    });
    this.#swapping = joined.catch(() => undefined);
    return joined;
  }

  /** Settles when no change is under way. */
  async settled(): Promise<void> {
    await this.#swapping;
  }

  get #isAlone(): boolean {
    return this.#peers.length === 0 && this.#deps.leader === undefined;
  }

  /** The models of the manifest, loaded or not. */
  get repository(): readonly RepositoryModel[] {
    return this.manifest.models.map((entry) => ({
      name: entry.name,
      version: entry.version,
      loaded: this.models.some(({ entry: one }) => titleOf(one) === titleOf(entry)),
    }));
  }

  /**
   * Unloads a model's versions, after the requests that they are answering, or loads them again.
   * @throws GyreError NOT_FOUND when the manifest names no such model; FAILED_PRECONDITION where that is not allowed; what loading throws
   */
  setLoaded(name: string, loaded: boolean): Promise<void> {
    if (this.#deps.leader !== undefined) return this.#deps.leader.setLoaded(name, loaded);
    const change = this.#swapping.then(async () => {
      if (this.#deps.modelControl !== true)
        throw new GyreError(
          'FAILED_PRECONDITION',
          'models are loaded as the manifest says; start the data plane with --model-control to load and unload them by name',
        );
      const versions = this.manifest.models.filter((entry) => entry.name === name);
      if (versions.length === 0) {
        const known = [...new Set(this.manifest.models.map((entry) => `"${entry.name}"`))].join(', ');
        throw new GyreError('NOT_FOUND', `the manifest names no model "${name}"; it names ${known}`, { name });
      }
      const unloaded = new Set(this.#unloaded);
      for (const entry of versions) {
        if (loaded) unloaded.delete(titleOf(entry));
        else unloaded.add(titleOf(entry));
      }
      await this.#become(this.manifest, [...unloaded]);
    });
    this.#swapping = change.catch(() => undefined);
    return change;
  }

  /** From now on not ready; requests are still answered, so that none is lost while callers look elsewhere. */
  drain(): void {
    this.#draining = true;
  }

  /** Finishes the open segments of the log. @returns paths of all finished segments, oldest first; none without a log */
  async flush(): Promise<readonly string[]> {
    await Promise.all(this.#peers.map((peer) => peer.flush()));
    return (await this.#deps.spool?.flush()) ?? [];
  }

  report(): Promise<PlaneReport> {
    return Promise.resolve({
      figures: this.figures(),
      traffic: this.#traffic.seconds(),
      models: this.#modelReports,
    });
  }

  collect(): Promise<readonly MetricFamily[]> {
    return Promise.resolve(this.#deps.metrics.collect());
  }

  get #modelReports(): readonly ModelReport[] {
    return this.models.map(({ entry: { name, version }, loaded: { statistics } }) => ({
      name,
      version,
      traffic: statistics.traffic.seconds(),
      totals: statistics.totals,
    }));
  }

  /** Of all planes that answer together, the leading one's first. */
  reports(): Promise<readonly PlaneReport[]> {
    return this.#deps.leader?.reports() ?? Promise.all([this.report(), ...this.#peers.map((peer) => peer.report())]);
  }

  /** What each model did in all planes that answer together. */
  modelTotals(): readonly ModelReport[] | Promise<readonly ModelReport[]> {
    return this.#isAlone ? this.#modelReports : this.reports().then(mergedModels);
  }

  /** How all planes do that answer together. */
  async allFigures(): Promise<PlaneFigures> {
    return mergedFigures(await this.reports());
  }

  /** How this plane does just now. */
  figures(): PlaneFigures {
    const { spool } = this.#deps;
    return {
      generation: this.manifest.generation,
      answeringThreads: 1,
      ready: this.ready,
      inFlight: this.#inFlight,
      traffic: this.#traffic.figures(),
      models: this.models.map(figuresOfModel),
      ...figuresOfWarm(this.#current.warm),
      memory: figuresOfMemory(this.#budget),
      shadows: this.#shadows.figures,
      refused: this.#counts.dropped.figures,
      ...(spool === undefined ? {} : { spool: spool.figures }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    clearInterval(this.#balancing);
    this.#shadows.drop();
    await this.#swapping;
    await this.abandon();
    await Promise.all([this.#current.retire(), ...this.#retiring]);
    await this.#images[Symbol.asyncDispose]();
    await this.#deps.spool?.[Symbol.asyncDispose]();
  }
}

interface Prepared {
  readonly change: PlaneChange;
  readonly generation: Generation;
  /** What models might take of the memory before. */
  readonly limit: number;
}

interface Opened {
  readonly loadOptions: (change: PlaneChange) => LoadOptions;
  readonly budget: MemoryBudget;
  readonly cores: CoreUse;
}

/** How often models are looked at: whether they need more workers, or less. */
const balanceEveryMs = 100;

function limitMemory(budget: MemoryBudget, { execution }: PlaneDeps, { manifest, planes }: PlaneChange): void {
  const mebibytes = execution?.memoryMiB ?? manifest.execution?.memoryMiB;
  budget.limit = mebibytes === undefined ? Number.POSITIVE_INFINITY : (mebibytes * 2 ** 20) / planes;
}
