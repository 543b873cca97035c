import { isEverywhere } from '#access';
import type { Principal } from '#access';
import type { ModelVersion } from '#contract';
import type { ApiDeps } from '../port.ts';
import { requireModel } from './batch-rights.ts';
import { versionId } from './version-reference.ts';

type Rooms = Pick<ApiDeps, 'access' | 'registry'>;

/**
 * The version that a request names, where its caller may read its model.
 * @param reference as `versionId` takes it
 * @throws GyreError NOT_FOUND, PERMISSION_DENIED
 */
export async function readableVersion(rooms: Rooms, principal: Principal, reference: string): Promise<ModelVersion> {
  const version = await rooms.registry.getById(await versionId(rooms.registry, reference));
  await requireModel(rooms, principal, version.model);
  return version;
}

/** Of records that speak of model versions, those whose model the caller may read. */
export async function ofReadableModels<R extends { readonly modelVersion: string }>(
  { access, registry }: Rooms,
  principal: Principal,
  records: readonly R[],
): Promise<readonly R[]> {
  const rights = await access.grants.rightsOf(principal);
  if (isEverywhere(rights.reach('read', 'registered_model'))) return records;
  const models = new Map<string, string>();
  for (const { modelVersion } of records)
    if (!models.has(modelVersion)) models.set(modelVersion, (await registry.getById(modelVersion)).model);
  return records.filter(({ modelVersion }) => rights.may('read', 'registered_model', models.get(modelVersion) ?? ''));
}
