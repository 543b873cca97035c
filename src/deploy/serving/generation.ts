import type { ChainStep, ManifestModel, ModelRef, ReleaseManifest } from '#contract';
import { GyreError, messageOf } from '#core';
import type { SessionValue } from '#onnx';
import { chained } from './chain.ts';
import { isRunAlike } from './execution-settings.ts';
import type { ExecutionBounds } from './execution-settings.ts';
import { LoadedModel } from './loaded-model.ts';
import type { LoadOptions } from './loaded-model.ts';
import { byWeight, isSame, shareOf } from './route.ts';
import type { Caller } from './route.ts';

/** What runs a model: the model itself, or a chain that it stands in. */
export type Runnable = Pick<LoadedModel, 'inputs' | 'outputs' | 'rowWise' | 'lane' | 'platform' | 'statistics' | 'run'> &
  Partial<Pick<LoadedModel, 'runNow' | 'answersNow'>>;

/** A model that answers. */
export interface ServedModel {
  readonly entry: ManifestModel;
  readonly loaded: Runnable;
  /** `<generation>-<first 8 hex digits of the package digest>-`: what every prediction id of this model begins with. */
  readonly idPrefix: string;
}

/** A model of the manifest, loaded. */
export interface HeldModel extends ServedModel {
  readonly loaded: LoadedModel;
}

/** A model that a later manifest may serve. */
export interface WarmModel {
  readonly entry: ManifestModel;
  /** Undefined while it is not loaded. */
  readonly loaded: LoadedModel | undefined;
  /** Why it could not be. */
  readonly failure: string | undefined;
}

/** Where a request goes. */
export interface Routed {
  readonly model: ServedModel;
  readonly fallback?: { readonly model: ServedModel; readonly afterMs?: number };
  readonly shadows: readonly { readonly model: ServedModel; readonly sample: number }[];
}

/**
 * A manifest with its models loaded. Nothing in it changes; a swap replaces it whole. It counts the requests that hold it, and unloads
 * its models when it is retired and the last of them is done.
 */
export class Generation {
  readonly manifest: ReleaseManifest;
  readonly models: readonly HeldModel[];
  /** Those that answer nobody, and that a later generation may take over. */
  readonly #warm: HeldModel[];
  /** Why some are not warm. */
  readonly #failures = new Map<string, string>();
  #warming: Promise<void> = Promise.resolve();
  readonly #bounds: ExecutionBounds;
  /** As the endpoint answers: with what the route puts around each model that it may choose. */
  readonly #routed: readonly ServedModel[];
  readonly #done = Promise.withResolvers<void>();
  #held = 0;
  #retired = false;

  private constructor(
    manifest: ReleaseManifest,
    models: readonly HeldModel[],
    warm: HeldModel[],
    { elapsed, execution }: Pick<LoadOptions, 'elapsed' | 'execution'>,
  ) {
    this.manifest = manifest;
    this.models = models;
    this.#warm = warm;
    this.#bounds = execution;
    this.#routed = routedModels(manifest, models, elapsed);
    requireAlike(this.#routed, manifest);
  }

  /**
   * Loads the models of a manifest; those that `before` has loaded already, to be run the same way, are shared. Of those that are to be kept
   * warm only these are there then; `keepWarm` loads the others.
   * @param unloaded titles of models that are left out
   * @throws GyreError what `LoadedModel.load` throws, and FAILED_PRECONDITION when models that its route puts together do not fit each other;
   *   then nothing stays loaded
   */
  static async load(
    manifest: ReleaseManifest,
    options: LoadOptions,
    before?: Generation,
    unloaded: ReadonlySet<string> = new Set(),
  ): Promise<Generation> {
    const [models, warm]: [HeldModel[], HeldModel[]] = [[], []];
    const known = before === undefined ? [] : [...before.models, ...before.#warm];
    const sharedOf = (entry: ManifestModel): LoadedModel | undefined =>
      known
        .find(({ loaded }) => loaded.package === entry.package && isRunAlike(loaded.execution.settings, options.execution))
        ?.loaded.retain();
    const held = (entry: ManifestModel, loaded: LoadedModel): HeldModel => ({ entry, loaded, idPrefix: idPrefixOf(manifest, entry) });
    try {
      for (const entry of manifest.models) {
        if (unloaded.has(titleOf(entry))) continue;
        models.push(held(entry, sharedOf(entry) ?? (await LoadedModel.load(entry, options))));
      }
      // Where memory is limited nothing is kept that answers nobody.
      for (const entry of Number.isFinite(options.budget.limit) ? [] : (manifest.warm ?? [])) {
        const shared = sharedOf(entry);
        if (shared !== undefined) warm.push(held(entry, shared));
      }
      return new Generation(manifest, models, warm, options);
    } catch (error) {
      for (const { loaded } of [...models, ...warm]) await loaded.release();
      throw error;
    }
  }

  /** Begins to answer: the bounds of this generation hold for models that it shares with the one before. */
  begin(): void {
    for (const { loaded } of [...this.models, ...this.#warm]) loaded.execution.keepWithin(this.#bounds);
  }

  /** Loads what is to be kept warm and is not yet, one after the other; what cannot be loaded stays cold. */
  keepWarm(options: LoadOptions): void {
    if (Number.isFinite(options.budget.limit)) return;
    const load = async (): Promise<void> => {
      for (const entry of this.manifest.warm ?? []) {
        if (this.#retired) return;
        if (this.#warm.some((one) => titleOf(one.entry) === titleOf(entry))) continue;
        try {
          const loaded = await LoadedModel.load(entry, options);
          this.#warm.push({ entry, loaded, idPrefix: idPrefixOf(this.manifest, entry) });
        } catch (error) {
          this.#failures.set(titleOf(entry), messageOf(error));
        }
      }
    };
    this.#warming = load();
  }

  /** What is to be kept warm, and whether it is. */
  get warm(): readonly WarmModel[] {
    return (this.manifest.warm ?? []).map((entry) => ({
      entry,
      loaded: this.#warm.find((one) => titleOf(one.entry) === titleOf(entry))?.loaded,
      failure: this.#failures.get(titleOf(entry)),
    }));
  }

  /**
   * Where a request goes: to the version that it names, else as the route says, else by weight.
   * @param name a model's, or the endpoint's
   * @param chance uniform in [0, 1): which of several models gets this request
   * @throws GyreError NOT_FOUND naming what is served
   */
  find(name: string, version: string | undefined, chance: () => number, caller?: Caller): Routed {
    const { endpoint } = this.manifest;
    const isEndpoint = name === endpoint;
    if (version === undefined && isEndpoint && this.#routed.length > 0) return this.#route(this.#routed, chance, caller);
    const named = this.models.filter(({ entry }) => entry.name === name);
    const asked = (named.length > 0 || !isEndpoint ? named : this.models).filter(
      ({ entry }) => version === undefined || entry.version === version,
    );
    if (asked.length > 0) return version === undefined ? this.#route(asked, chance, caller) : { model: asked[0], shadows: [] };
    throw this.#unknown(name, version);
  }

  /** @param candidates those that have the name that was asked for */
  #route(candidates: readonly ServedModel[], chance: () => number, caller: Caller | undefined): Routed {
    const { route } = this.manifest;
    if (route === undefined) return { model: candidates.length === 1 ? candidates[0] : byWeight(candidates, chance()), shadows: [] };
    const { rules = [], sticky, shadows = [], fallback } = route;
    const ruled = rules.find(({ header, equals, model }) => caller?.header(header) === equals && find(candidates, model) !== undefined);
    const key = sticky === undefined ? undefined : ((sticky.header && caller?.header(sticky.header)) ?? caller?.key);
    const place = sticky === undefined || key === undefined ? chance() : shareOf(sticky.salt, key);
    const model = (ruled && find(candidates, ruled.model)) ?? byWeight(candidates, place);
    const beside = candidates === this.#routed ? this.#routed : this.models;
    const spare = fallback && find(beside, fallback.model);
    return {
      model,
      ...(spare === undefined || isSame(spare.entry, model.entry)
        ? {}
        : { fallback: { model: spare, ...(fallback?.afterMs === undefined ? {} : { afterMs: fallback.afterMs }) } }),
      shadows: shadows.flatMap(({ model: wanted, sample }) => {
        const shadow = find(beside, wanted);
        return shadow === undefined || isSame(shadow.entry, model.entry) ? [] : [{ model: shadow, sample }];
      }),
    };
  }

  #unknown(name: string, version: string | undefined): GyreError {
    const { endpoint, models } = this.manifest;
    const isUnloaded = models.some(
      (entry) => (entry.name === name || name === endpoint) && (version === undefined || entry.version === version),
    );
    if (isUnloaded) return new GyreError('UNAVAILABLE', `"${name}" is unloaded here; load it first`, { name, version });
    const served = this.models.map(({ entry }) => `"${entry.name}" version ${entry.version}`).join(', ');
    const wanted = version === undefined ? `"${name}"` : `"${name}" version ${version}`;
    return new GyreError('NOT_FOUND', `there is no model ${wanted} here; this endpoint ("${endpoint}") serves ${served}`, {
      name,
      version,
    });
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
    await this.#warming;
    for (const { loaded } of [...this.models, ...this.#warm]) await loaded.release();
  }
}

/** `<generation>-<first 8 hex digits of the package digest>-`. */
const idPrefixOf = ({ generation }: ReleaseManifest, entry: ManifestModel): string => `${generation}-${entry.package.slice(0, 8)}-`;

/** What a model with its version is called in lists of loaded and unloaded ones. */
export function titleOf({ name, version }: ModelRef): string {
  return `${name} ${version}`;
}

function find<M extends ServedModel>(models: readonly M[], wanted: ModelRef): M | undefined {
  return models.find(({ entry }) => isSame(entry, wanted));
}

/** The models that an endpoint may ask: those with a weight, and those that a rule, the fallback or a shadow names, each in its chain. */
function routedModels(
  { route = {}, models: entries }: ReleaseManifest,
  models: readonly HeldModel[],
  elapsed: () => number,
): readonly ServedModel[] {
  const { rules = [], fallback, shadows = [], before = [], after = [] } = route;
  const named = [...rules, ...shadows, ...(fallback === undefined ? [] : [fallback])].map(({ model }) => model);
  const isWeighted = entries.some(({ weight }) => weight > 0);
  const isChosen = ({ entry }: HeldModel): boolean => !isWeighted || entry.weight > 0 || named.some((model) => isSame(model, entry));
  const chosen = models.filter(isChosen);
  if (before.length + after.length === 0) return chosen;
  const linksOf = (steps: readonly ChainStep[]): Parameters<typeof chained>[0] =>
    steps.flatMap(({ model: wanted, rename = {} }) => {
      const model = find(models, wanted);
      return model === undefined ? [] : [{ model, rename }];
    });
  const [first, last] = [linksOf(before), linksOf(after)];
  // A model of the chain was unloaded by name: the endpoint cannot answer without it.
  if (first.length < before.length || last.length < after.length) return [];
  return chosen.map((model) => chained(first, model, last, elapsed));
}

/** A fallback must be asked and answer as the models that it stands in for; a shadow must be asked as they are. @throws GyreError FAILED_PRECONDITION */
function requireAlike(routed: readonly ServedModel[], { route = {}, models: entries }: ReleaseManifest): void {
  const main = routed.find(({ entry }) => entry.weight > 0) ?? routed[0];
  if (main === undefined || entries.length < 2) return;
  const spare = route.fallback && find(routed, route.fallback.model);
  const ruled = (route.rules ?? []).map(({ model }) => find(routed, model));
  for (const one of [spare, ...ruled]) {
    if (one === undefined) continue;
    requireSame('inputs', one, main);
    requireSame('outputs', one, main);
  }
  for (const { model } of route.shadows ?? []) {
    const shadow = find(routed, model);
    if (shadow !== undefined) requireSame('inputs', shadow, main);
  }
}

function requireSame(what: 'inputs' | 'outputs', one: ServedModel, main: ServedModel): void {
  const describe = ({ loaded }: ServedModel): string =>
    loaded[what]
      .map(({ name, type }: SessionValue) => `"${name}" (${type})`)
      .toSorted()
      .join(', ');
  if (describe(one) === describe(main)) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${titleOf(one.entry)} stands in for or beside ${titleOf(main.entry)} and has other ${what}: ${describe(one)}, not ${describe(main)}`,
  );
}
