import type { ModelVersion, RegisteredModel } from '#contract';
import { GyreError, hasCode } from '#core';
import type { Client } from '../client.ts';

/** The path of the version that `churn/3` or `churn@champion` names; `churn` alone is its newest. */
export async function versionPath(client: Pick<Client, 'get'>, reference: string): Promise<string> {
  // A name may hold nearly anything, an "@" too, but no "/".
  const [, name = '', version] = /^([^/]+)[/]([^/]+)$/.exec(reference) ?? /^([^/]+)@([\w-]+)$/.exec(reference) ?? [undefined, reference];
  if (name === '' || name.includes('/'))
    throw new GyreError('INVALID_ARGUMENT', `"${reference}" names no model version: churn, churn/3 or churn@champion are needed`);
  const model = encodeURIComponent(name);
  if (version !== undefined) return `models/${model}/versions/${encodeURIComponent(version)}`;
  const { latest } = await client.get<RegisteredModel>(`models/${model}`);
  if (latest === undefined) throw new GyreError('NOT_FOUND', `model "${name}" has no version yet`);
  return `models/${model}/versions/${latest}`;
}

/** The version that a reference names. */
export async function modelVersion(client: Pick<Client, 'get'>, reference: string): Promise<ModelVersion> {
  return client.get<ModelVersion>(await versionPath(client, reference));
}

/** Ids of model versions → their names, such as `churn/3`; an id that is not known stays as it is. */
export async function versionNames(
  client: Pick<Client, 'get'>,
  ids: readonly (string | undefined)[],
): Promise<(id: string | undefined) => string> {
  const names = new Map<string, string>();
  for (const id of new Set(ids)) {
    if (id === undefined) continue;
    const found = await client.get<ModelVersion>(`model-versions/${encodeURIComponent(id)}`).catch((error: unknown) => {
      if (hasCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    });
    if (found === undefined) continue;
    const warning = found.executesCodeOnLoad === true ? ` (${(await import('#contract')).executesCode})` : '';
    names.set(id, `${found.model}/${found.version}${warning}`);
  }
  return (id) => (id === undefined ? '-' : (names.get(id) ?? id));
}
