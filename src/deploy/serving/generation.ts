import type { ManifestModel, ReleaseManifest } from '#contract';
import { GyreError } from '#core';
import type { ExecutionSettings } from './execution-settings.ts';
import { LoadedModel } from './loaded-model.ts';
import type { LoadOptions } from './loaded-model.ts';

/** One model of the manifest that is served. */
export interface ServedModel {
  readonly entry: ManifestModel;
  readonly loaded: LoadedModel;
  /** `<generation>-<first 8 hex digits of the package digest>-`: what every prediction id of this model begins with. */
  readonly idPrefix: string;
}

/**
 * A manifest with its models loaded. Nothing in it changes; a swap replaces it whole. It counts the requests that hold it, and unloads
 * its models when it is retired and the last of them is done.
 */
export class Generation {
  readonly manifest: ReleaseManifest;
  readonly models: readonly ServedModel[];
  readonly #done = Promise.withResolvers<void>();
  #held = 0;
  #retired = false;

  private constructor(manifest: ReleaseManifest, models: readonly ServedModel[]) {
    this.manifest = manifest;
    this.models = models;
  }

  /**
   * Loads the models of a manifest; those that `before` has loaded already, to be run the same way, are shared.
   * @param unloaded titles of models that are left out
   * @throws GyreError what `LoadedModel.load` throws; then nothing stays loaded
   */
  static async load(
    manifest: ReleaseManifest,
    options: LoadOptions,
    before?: Generation,
    unloaded: ReadonlySet<string> = new Set(),
  ): Promise<Generation> {
    const models: ServedModel[] = [];
    const isSame = (settings: ExecutionSettings): boolean => JSON.stringify(settings) === JSON.stringify(options.execution);
    try {
      for (const entry of manifest.models) {
        if (unloaded.has(titleOf(entry))) continue;
        const shared = before?.models.find(({ loaded }) => loaded.package === entry.package && isSame(loaded.execution.settings))?.loaded;
        const loaded = shared === undefined ? await LoadedModel.load(entry, options) : shared.retain();
        models.push({ entry, loaded, idPrefix: `${manifest.generation}-${entry.package.slice(0, 8)}-` });
      }
      return new Generation(manifest, models);
    } catch (error) {
      for (const { loaded } of models) await loaded.release();
      throw error;
    }
  }

  /**
   * The model that answers to a name: a model's, or the endpoint's, which follows the traffic weights.
   * @param chance uniform in [0, 1): which of several models gets this request
   * @throws GyreError NOT_FOUND naming what is served
   */
  find(name: string, version: string | undefined, chance: () => number): ServedModel {
    const { endpoint } = this.manifest;
    const named = this.models.filter(({ entry }) => entry.name === name && (version === undefined || entry.version === version));
    if (named.length > 0) return pick(named, chance);
    if (name === endpoint) {
      const versions = this.models.filter(({ entry }) => version === undefined || entry.version === version);
      if (versions.length > 0) return pick(versions, chance);
    }
    const unloaded = this.manifest.models.some(
      (entry) => (entry.name === name || name === endpoint) && (version === undefined || entry.version === version),
    );
    if (unloaded) throw new GyreError('UNAVAILABLE', `"${name}" is unloaded here; load it first`, { name, version });
    const served = this.models.map(({ entry }) => `"${entry.name}" version ${entry.version}`).join(', ');
    const wanted = version === undefined ? `"${name}"` : `"${name}" version ${version}`;
    throw new GyreError('NOT_FOUND', `there is no model ${wanted} here; this endpoint ("${endpoint}") serves ${served}`, { name, version });
  }

  hold(): void {
    this.#held += 1;
  }

  letGo(): void {
    this.#held -= 1;
    if (this.#retired && this.#held === 0) this.#done.resolve();
  }

  /** Unloads the models as soon as no request holds this generation. */
  async retire(): Promise<void> {
    this.#retired = true;
    if (this.#held > 0) await this.#done.promise;
    for (const { loaded } of this.models) await loaded.release();
  }
}

/** What a model with its version is called in lists of loaded and unloaded ones. */
export function titleOf({ name, version }: Pick<ManifestModel, 'name' | 'version'>): string {
  return `${name} ${version}`;
}

function pick(models: readonly ServedModel[], chance: () => number): ServedModel {
  const total = models.reduce((sum, { entry }) => sum + entry.weight, 0);
  if (models.length === 1 || total === 0) return models[0];
  let left = chance() * total;
  for (const model of models) {
    left -= model.entry.weight;
    if (left < 0) return model;
  }
  return models[models.length - 1];
}
