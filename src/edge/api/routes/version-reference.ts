import type { Registry } from '#registry';

/**
 * A model version as people name it: its id, or `name@version` or `name/version` with a number or an alias.
 * @returns its id
 * @throws GyreError NOT_FOUND naming what there is
 */
export async function versionId(registry: Registry, reference: string): Promise<string> {
  const named = /^([^@/]+)[@/]([^@/]+)$/.exec(reference);
  if (named === null) return (await registry.getById(reference)).id;
  const [, model, version] = named;
  return (await registry.get(model, version)).id;
}
