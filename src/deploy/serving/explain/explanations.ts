import type { ExplainAnswer, ExplainOptions, ManifestModel, ReleaseManifest } from '#contract';
import { GyreError } from '#core';
import type { Background, ExplainLane } from '#explain';
import type { Feeds } from '#onnx';
import { exampleOf } from '../example.ts';
import { imageColumns } from '../image-inputs.ts';
import type { ServedModel } from '../generation.ts';
import type { PackageSource } from '../package-source.ts';
import type { Plane } from '../plane.ts';
import { packageBackground } from './package-background.ts';
import { packageText, packageBytes } from './package-members.ts';

export interface ExplanationsDeps {
  readonly plane: Pick<Plane, 'elapsed'>;
  readonly source: PackageSource;
  /** How long an explanation may take where the manifest says nothing. Default 5000; of pictures 60,000: each is asked about some hundred times. */
  readonly timeoutMs?: number;
}

/** What one request wants explained. */
export interface Explanation {
  readonly manifest: ReleaseManifest;
  readonly model: ServedModel;
  /** The rows to explain; behind them those that contributions are measured from, as many as `backgroundRows` says. */
  readonly feeds: Feeds;
  readonly backgroundRows?: number;
  readonly options: ExplainOptions;
  /** When the request arrived, on the plane's clock of elapsed time. */
  readonly receivedMs: number;
  /** How long the caller waits at most. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 5000;
const defaultPictureTimeoutMs = 60_000;
/** Rows of one request. */
const mostRows = 1000;

/**
 * Explanations of a plane's models, made in a thread of their own: neither the thread that answers nor those that predict wait for them. The thread is
 * started by the first request.
 */
export class Explanations implements AsyncDisposable {
  readonly #deps: ExplanationsDeps;
  #lane: Promise<ExplainLane> | undefined;
  /** By package digest: rows that contributions are measured from, read once. */
  readonly #backgrounds = new Map<string, Promise<Background>>();

  constructor(deps: ExplanationsDeps) {
    this.#deps = deps;
  }

  /**
   * @throws GyreError INVALID_ARGUMENT when rows or options do not fit the model; OUT_OF_RANGE for too many rows; FAILED_PRECONDITION when the method is not
   *   for this model; RESOURCE_EXHAUSTED when too many requests wait; DEADLINE_EXCEEDED when the caller or the manifest waits no longer
   */
  async explain(asked: Explanation): Promise<ExplainAnswer> {
    const { manifest, model, options, backgroundRows = 0 } = asked;
    const { entry } = model;
    const rows = (Object.values(asked.feeds)[0]?.shape[0] ?? 0) - backgroundRows;
    const limit = Math.min(mostRows, manifest.limits.maxRows);
    if (rows < 1) throw new GyreError('INVALID_ARGUMENT', `there are no rows to explain; 1 to ${limit} are taken in one request`);
    if (rows > limit)
      throw new GyreError('OUT_OF_RANGE', `${rows} rows are too many to explain at once; at most ${limit} are taken`, { rows, limit });
    const timeoutMs = Math.min(
      asked.timeoutMs ?? Number.POSITIVE_INFINITY,
      manifest.explain?.timeoutMs ??
        this.#deps.timeoutMs ??
        (imageColumns(entry.signature).length > 0 ? defaultPictureTimeoutMs : defaultTimeoutMs),
    );
    const { ExplainLane, splitRows } = await import('#explain');
    const lane = await (this.#lane ??= Promise.resolve(new ExplainLane()));
    const [feeds, behind] = backgroundRows === 0 ? [asked.feeds, undefined] : splitRows(asked.feeds, rows);
    const background: Background =
      behind === undefined
        ? await this.#backgroundOf(model)
        : { kind: 'request', feeds: behind, weights: Array.from({ length: backgroundRows }, () => 1) };
    const leftMs = timeoutMs - (this.#deps.plane.elapsed() - asked.receivedMs);
    if (!(leftMs > 0))
      throw new GyreError('DEADLINE_EXCEEDED', `not explained within ${Math.round(timeoutMs)} ms: the request was still being read`, {
        timeoutMs,
      });
    const answer = await lane.explain({
      key: entry.package,
      parts: () => this.#partsOf(entry),
      job: { feeds, options, background },
      timeoutMs: leftMs,
    });
    return { model: entry.name, version: entry.version, ...answer };
  }

  async #partsOf(entry: ManifestModel) {
    const graph = await packageBytes(this.#deps.source, entry, 'model.onnx');
    if (graph === undefined) throw new GyreError('FAILED_PRECONDITION', `the package of ${entry.name} ${entry.version} has no model.onnx`);
    const learner = await packageText(this.#deps.source, entry, 'learner.json');
    return { graph, signature: entry.signature, ...(learner === undefined ? {} : { learner }) };
  }

  #backgroundOf(model: ServedModel): Promise<Background> {
    const { package: digest } = model.entry;
    const known = this.#backgrounds.get(digest);
    if (known !== undefined) return known;
    const read = this.#readBackground(model);
    this.#backgrounds.set(digest, read);
    // What could not be read is read again by the next request.
    read.catch(() => this.#backgrounds.delete(digest));
    return read;
  }

  async #readBackground({ entry, loaded }: ServedModel): Promise<Background> {
    const packed = await packageText(this.#deps.source, entry, 'background.json');
    if (packed !== undefined && entry.signature.inputs.length > 0) return packageBackground(entry, packed);
    const { feeds, given } = exampleOf(entry.signature, loaded.inputs, await packageText(this.#deps.source, entry, 'input_example.json'));
    return { kind: given ? 'input_example' : 'typical_values', feeds, weights: [1] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#lane)?.[Symbol.asyncDispose]();
  }
}
