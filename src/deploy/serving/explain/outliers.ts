import { Check } from 'typebox/schema';
import { PackageOutliers } from '#contract';
import type { ManifestModel } from '#contract';
import { GyreError } from '#core';
import { openSessionPool } from '#onnx';
import type { Feeds, Session, Tensor } from '#onnx';
import type { PackageSource } from '../package-source.ts';
import { packageBytes, packageText } from './package-members.ts';

/** How far rows lie from those that a model learned from. */
export interface OutlierScores {
  /** One for each row. */
  readonly scores: Float64Array;
  /** A row with a greater score is an outlier. */
  readonly threshold: number;
}

interface Scorer {
  readonly session: Session;
  readonly threshold: number;
}

const scoresFile = 'outliers.onnx';
/** Packages whose scores stay loaded. */
const mostScorers = 4;

/** Outlier scores of a plane's models: nothing of them is loaded before the first is asked for; then they run in a thread of their own. */
export class Outliers implements AsyncDisposable {
  readonly #source: PackageSource;
  /** By package digest, the one used last at the end. */
  readonly #scorers = new Map<string, Promise<Scorer>>();
  #closed = false;

  constructor(source: PackageSource) {
    this.#source = source;
  }

  /** @throws GyreError FAILED_PRECONDITION when nothing was fitted to the training rows of this model */
  require({ name, version, files }: ManifestModel): void {
    if (files.some(({ path }) => path === scoresFile)) return;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the package of ${name} ${version} has no outlier scores: they are fitted when a version is packed, as serve.outliers in gyre.yaml says`,
    );
  }

  /**
   * Scores rows.
   * @param feeds the model's inputs; not changed
   * @throws GyreError as `require`; DATA_LOSS when the package's files are broken; UNAVAILABLE while the plane drains
   */
  async score(entry: ManifestModel, feeds: Feeds): Promise<OutlierScores> {
    this.require(entry);
    const { session, threshold } = await this.#scorerOf(entry);
    const answered: Readonly<Record<string, Tensor | undefined>> = await session.run(feeds);
    const scores = answered['outlier_score'];
    if (scores?.type !== 'DOUBLE')
      throw new GyreError('DATA_LOSS', `${scoresFile} of ${entry.name} ${entry.version} gives no outlier_score`);
    return { scores: scores.data, threshold };
  }

  #scorerOf(entry: ManifestModel): Promise<Scorer> {
    if (this.#closed) return Promise.reject(new GyreError('UNAVAILABLE', 'outlier scores are closed: the data plane drains'));
    const known = this.#scorers.get(entry.package);
    this.#scorers.delete(entry.package);
    const scorer = known ?? this.#open(entry);
    this.#scorers.set(entry.package, scorer);
    // What could not be opened is tried again by the next request.
    if (known === undefined) scorer.catch(() => this.#scorers.delete(entry.package));
    const [oldest] = this.#scorers.keys();
    if (this.#scorers.size > mostScorers && oldest !== undefined) void this.#drop(oldest);
    return scorer;
  }

  async #open(entry: ManifestModel): Promise<Scorer> {
    const facts: unknown = JSON.parse((await packageText(this.#source, entry, 'outliers.json')) ?? 'null');
    const graph = await packageBytes(this.#source, entry, scoresFile);
    if (!Check(PackageOutliers, facts) || graph === undefined)
      throw new GyreError('DATA_LOSS', `outliers.json of ${entry.name} ${entry.version} is of no form that this Gyre reads`);
    return { session: await openSessionPool(graph, { workers: 1 }), threshold: facts.threshold };
  }

  async #drop(digest: string): Promise<void> {
    const scorer = this.#scorers.get(digest);
    this.#scorers.delete(digest);
    const opened = await scorer?.catch(() => undefined);
    await opened?.session[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#scorers.keys()].map((digest) => this.#drop(digest)));
  }
}
