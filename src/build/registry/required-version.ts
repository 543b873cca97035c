import { GyreError } from '#core';
import type { Db } from '#store';
import { requiredModel } from './models-store.ts';
import { selectNumbered } from './versions-store.ts';
import type { FoundVersion } from './versions-store.ts';

/** One version by its number. @throws GyreError NOT_FOUND naming the newest there is, or the models that there are */
export async function requiredVersion(db: Db, model: string, version: number): Promise<FoundVersion> {
  const found = Number.isSafeInteger(version) ? await selectNumbered(db, model, version) : undefined;
  if (found !== undefined) return found;
  const { latest } = await requiredModel(db, model);
  throw new GyreError('NOT_FOUND', `model "${model}" has no version ${version}: the newest is ${latest ?? 'none'}`, { model, version });
}
