import type { ReleaseManifest } from '#contract';
import { GyreError, hasCode, isGyreError } from '#core';
import type { Ran } from './batcher.ts';
import { withFallback } from './fallback.ts';
import type { FallbackReason } from './fallback.ts';
import type { Generation, Routed, ServedModel } from './generation.ts';
import type { ImageDecoder } from './image-decoder.ts';
import { decide, outcomesOf } from './outcome.ts';
import type { PlaneLog } from './plane-log.ts';
import type { PlaneMetrics } from './plane-metrics.ts';
import type { Inference, Inferred, InferredNow, PlaneDeps } from './plane-port.ts';
import { pythonPlatform } from './python/open-python.ts';
import { requireRows } from './request-rows.ts';
import type { Shadows } from './shadows.ts';

export interface InferringDeps extends Pick<PlaneDeps, 'clock' | 'newId' | 'elapsed'> {
  readonly counts: PlaneMetrics;
  readonly log: PlaneLog;
  readonly shadows: Shadows;
  readonly images: ImageDecoder;
}

/** What came of a run, and which model it was. */
interface RanBy extends Ran {
  readonly by: ServedModel;
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** A request that was looked at, on its way through the models that it was routed to. */
interface Asked {
  readonly generation: Generation;
  readonly routed: Routed;
  readonly inference: Inference;
  readonly rows: number;
  readonly isLogged: boolean;
}

/** Runs models for requests: checked before, counted and logged after. */
export class Inferring {
  readonly #deps: InferringDeps;

  constructor(deps: InferringDeps) {
    this.#deps = deps;
  }

  /** @see Lease.infer */
  async infer(generation: Generation, routed: Routed, asked: Inference): Promise<Inferred> {
    const { manifest } = generation;
    const inference = asked.images === undefined ? asked : await this.decoded(manifest, routed.model, asked);
    const request = this.#begin(generation, routed, inference);
    const { model, fallback } = routed;
    const run = (one: ServedModel): Promise<RanBy> => this.#run(manifest, one, inference, request.rows);
    const { value, reason } =
      fallback === undefined
        ? { value: await run(model) }
        : await withFallback(
            () => run(model),
            () => run(fallback.model),
            fallback.afterMs,
          );
    const inferred = this.#answer(request, value, reason);
    if (request.isLogged) await this.#deps.log.write({ manifest, asked: model, inference, inferred });
    this.#end(request, inferred, value.queuedMs);
    return inferred;
  }

  /** @see Lease.inferNow */
  inferNow(generation: Generation, routed: Routed, inference: Inference): InferredNow | undefined {
    const { model, fallback } = routed;
    if (fallback !== undefined || inference.images !== undefined || model.loaded.answersNow !== true) return undefined;
    const { manifest } = generation;
    const request = this.#begin(generation, routed, inference);
    const ran = this.#runNow(manifest, model, inference, request.rows);
    if (ran === undefined) return undefined;
    const inferred = this.#answer(request, ran);
    return {
      inferred,
      settle: (done) => {
        const settled = (fault?: GyreError): void => {
          if (fault === undefined) this.#end(request, inferred, ran.queuedMs);
          done(fault);
        };
        if (request.isLogged) this.#deps.log.writeSoon({ manifest, asked: model, inference, inferred }, settled);
        else settled();
      },
    };
  }

  /** @see Lease.decoded */
  decoded(manifest: ReleaseManifest, model: ServedModel, asked: Inference): Promise<Inference> {
    return this.#deps.images.decoded(model, asked, manifest.limits.maxRows, this.#leftMs(manifest, asked));
  }

  #begin(generation: Generation, routed: Routed, inference: Inference): Asked {
    const { manifest } = generation;
    const { entry } = routed.model;
    const rows = requireRows(routed.model, inference, manifest.limits.maxRows);
    const { note } = inference;
    if (note !== undefined) {
      note.model = entry.name;
      note.version = entry.version;
    }
    return { generation, routed, inference, rows, isLogged: this.#deps.log.isSampled(manifest) };
  }

  #answer({ routed, inference, rows }: Asked, ran: RanBy, fallback?: FallbackReason): Inferred {
    const { by, outputs, queuedMs, batch, askedMs, answeredMs } = ran;
    const ids: string[] = [];
    for (let row = 0; row < rows; row++) ids.push(by.idPrefix + this.#deps.newId());
    const outcomes = outcomesOf(by.entry.signature, outputs, rows);
    const holdsFeeds = routed.shadows.length > 0 || routed.fallback !== undefined || by.loaded.platform === pythonPlatform;
    if (fallback !== undefined) this.#deps.counts.fallbacks.inc({ ...labelsOf(routed.model), reason: fallback });
    const { note } = inference;
    if (note !== undefined) {
      note.model = by.entry.name;
      note.version = by.entry.version;
      note.rows = (note.rows ?? 0) + rows;
      note.predictionId = ids[0];
      note.askedMs = askedMs;
      note.queuedMs = queuedMs;
      note.answeredMs = answeredMs;
      note.batch = batch;
    }
    const inferred = { ids, rows, outputs, outcomes, model: by, holdsFeeds };
    return fallback === undefined ? inferred : { ...inferred, fallback };
  }

  /** What is done once it is logged. */
  #end({ generation, routed: { shadows }, inference }: Asked, inferred: Inferred, queuedMs: number): void {
    const { clock, elapsed } = this.#deps;
    const { entry, loaded } = inferred.model;
    const { statistics } = loaded;
    statistics.predicted(entry.signature, inferred.outcomes);
    statistics.succeeded({ rows: inferred.rows, queuedMs, tookMs: elapsed() - inference.receivedMs, at: clock.now() });
    if (shadows.length > 0) {
      this.#deps.shadows.offer(shadows, inference.feeds, inferred, generation.manifest.log, () => {
        generation.hold();
        return () => generation.letGo();
      });
    }
  }

  async #run(manifest: ReleaseManifest, by: ServedModel, inference: Inference, rows: number): Promise<RanBy> {
    const startedMs = this.#deps.elapsed();
    try {
      return this.#ran(by, await by.loaded.run(inference.feeds, rows, this.#leftMs(manifest, inference)), rows, startedMs);
    } catch (error) {
      throw this.#failed(by, inference, error);
    }
  }

  /** @returns undefined when it is to be `#run` */
  #runNow(manifest: ReleaseManifest, by: ServedModel, inference: Inference, rows: number): RanBy | undefined {
    const startedMs = this.#deps.elapsed();
    try {
      // Asked of a request that nobody waits for any more, too.
      this.#leftMs(manifest, inference);
      const ran = by.loaded.runNow?.(inference.feeds, rows);
      return ran === undefined ? undefined : this.#ran(by, ran, rows, startedMs);
    } catch (error) {
      throw this.#failed(by, inference, error);
    }
  }

  #ran(by: ServedModel, { outputs, queuedMs, batch }: Ran, rows: number, askedMs: number): RanBy {
    const decided = decide(by.entry.signature, outputs);
    const answeredMs = this.#deps.elapsed();
    const { counts } = this.#deps;
    const labels = labelsOf(by);
    counts.queueSeconds.observe(queuedMs / 1000, labels);
    counts.inferenceSeconds.observe((answeredMs - askedMs) / 1000, labels);
    counts.inferences.inc(labels, rows);
    return { by, outputs: decided, queuedMs, batch, askedMs, answeredMs };
  }

  #failed(by: ServedModel, inference: Inference, error: unknown): unknown {
    const { counts, elapsed } = this.#deps;
    by.loaded.statistics.failed(elapsed() - inference.receivedMs);
    counts.failures.inc({ ...labelsOf(by), code: isGyreError(error) ? error.code : 'INTERNAL' });
    if (hasCode(error, 'RESOURCE_EXHAUSTED')) counts.dropped.inc({ reason: 'queue' });
    else if (hasCode(error, 'DEADLINE_EXCEEDED')) counts.dropped.inc({ reason: 'deadline' });
    return error;
  }

  /** @throws GyreError DEADLINE_EXCEEDED when nothing is left */
  #leftMs({ limits }: ReleaseManifest, { timeoutMs: asked, receivedMs }: Inference): number | undefined {
    const timeoutMs = Math.min(asked ?? Number.POSITIVE_INFINITY, limits.timeoutMs ?? Number.POSITIVE_INFINITY);
    if (timeoutMs === Number.POSITIVE_INFINITY) return undefined;
    const leftMs = timeoutMs - (this.#deps.elapsed() - receivedMs);
    if (leftMs > 0) return leftMs;
    throw new GyreError('DEADLINE_EXCEEDED', `not answered within ${Math.round(timeoutMs)} ms: the request was still being read`, {
      timeoutMs,
    });
  }
}

function labelsOf({ entry }: ServedModel): { readonly model: string; readonly version: string } {
  return { model: entry.name, version: entry.version };
}
