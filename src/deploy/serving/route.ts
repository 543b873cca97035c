import { createHash } from 'node:crypto';
import type { ManifestRoute, ModelRef, ReleaseManifest } from '#contract';

/** What is known of who asks, before the body is fitted to a model. */
export interface Caller {
  /** The value of a header (or of gRPC metadata), by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  /** The first row's key, where the request names keys. */
  readonly key?: string;
}

/** All models that a route names, with what they are named for. */
export function referencesOf(route: ManifestRoute): readonly (readonly [what: string, model: ModelRef])[] {
  const { rules = [], shadows = [], fallback, before = [], after = [] } = route;
  return [
    ...rules.map(({ header, equals, model }) => [`the rule "${header}: ${equals}"`, model] as const),
    ...shadows.map(({ model }) => ['a shadow', model] as const),
    ...(fallback === undefined ? [] : [['the fallback', fallback.model] as const]),
    ...before.map(({ model }) => ['the chain', model] as const),
    ...after.map(({ model }) => ['the chain', model] as const),
  ];
}

/** What is wrong with a manifest's route; undefined: nothing. */
export function routeProblem({ route, models }: Pick<ReleaseManifest, 'route' | 'models'>): string | undefined {
  if (route === undefined) return undefined;
  for (const [what, { name, version }] of referencesOf(route)) {
    if (!models.some((model) => model.name === name && model.version === version))
      return `${what} of its route names ${name} ${version}, which is not among its models`;
  }
  const steps = [...(route.before ?? []), ...(route.after ?? [])];
  const weighted = steps.find(({ model }) => models.some((one) => isSame(one, model) && one.weight > 0));
  return weighted === undefined
    ? undefined
    : `${weighted.model.name} ${weighted.model.version} stands in its chain and has a weight as well`;
}

export function isSame(one: ModelRef, other: ModelRef): boolean {
  return one.name === other.name && one.version === other.version;
}

/**
 * Where a key falls in [0, 1): the same for the same salt, whoever asks and whenever. Models take their shares in the manifest's order, so a
 * key keeps the first model while its share grows.
 */
export function shareOf(salt: string, key: string): number {
  return createHash('sha256').update(`${salt}\0${key}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** The model that takes this place in [0, 1), by the weights in their order. */
export function byWeight<M extends { readonly entry: { readonly weight: number } }>(models: readonly M[], place: number): M {
  const total = models.reduce((sum, { entry }) => sum + entry.weight, 0);
  if (models.length === 1 || total === 0) return models[0];
  let left = place * total;
  for (const model of models) {
    left -= model.entry.weight;
    if (left < 0) return model;
  }
  // Only rounding leads here: the last one that has a share.
  return models.findLast(({ entry }) => entry.weight > 0) ?? models[models.length - 1];
}
