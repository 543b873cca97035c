import { GyreError, hasCode } from '#core';
import type { LfsLock } from '#contract';
import { json } from './batch.ts';
import { demand } from './permission.ts';
import type { LfsAnswer, LfsCall, LfsOptions } from './port.ts';
import { LockRequest, LockVerifyRequest, readJson, requireMediaType, UnlockRequest } from './shapes.ts';

/** Takes a lock; a path that is locked already answers with the lock that it has. */
export async function createLock({ lfs }: LfsOptions, call: LfsCall): Promise<LfsAnswer> {
  demand(call.principal, 'build');
  const { path } = await readJson(LockRequest, call);
  const { repository } = call.params;
  try {
    return json({ lock: shown(await lfs.lock({ repository, path, by: call.principal.actor })) }, 201);
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    const [held] = (await lfs.locks({ repository, path })).items;
    // Released between the two: whoever asks again gets it.
    if (held === undefined) throw error;
    return json({ lock: shown(held), message: error.message }, 409);
  }
}

export async function listLocks({ lfs }: LfsOptions, { principal, params, query, headers }: LfsCall): Promise<LfsAnswer> {
  demand(principal, 'read');
  requireMediaType(headers.accept);
  const given = (name: string): string | undefined => query.get(name) ?? undefined;
  const limit = Number(given('limit') ?? 100);
  if (!Number.isInteger(limit) || limit < 1)
    throw new GyreError('INVALID_ARGUMENT', `limit: "${given('limit') ?? ''}" is no number from 1 on`);
  const [path, id, after] = [given('path'), given('id'), given('cursor')];
  const page = await lfs.locks({
    repository: params.repository,
    limit,
    ...(path === undefined ? {} : { path }),
    ...(id === undefined ? {} : { id }),
    ...(after === undefined ? {} : { after }),
  });
  return json({ locks: page.items.map(shown), ...(page.next === undefined ? {} : { next_cursor: page.next }) });
}

/** What git-lfs asks before a push: whose locks there are. */
export async function verifyLocks({ lfs }: LfsOptions, call: LfsCall): Promise<LfsAnswer> {
  demand(call.principal, 'build');
  const { cursor, limit = 100 } = await readJson(LockVerifyRequest, call);
  const page = await lfs.locks({
    repository: call.params.repository,
    limit,
    ...(cursor === undefined || cursor === '' ? {} : { after: cursor }),
  });
  const isOurs = ({ owner }: LfsLock): boolean => owner.identity === call.principal.actor.identity;
  return json({
    ours: page.items.filter(isOurs).map(shown),
    theirs: page.items.filter((lock) => !isOurs(lock)).map(shown),
    ...(page.next === undefined ? {} : { next_cursor: page.next }),
  });
}

/** Releases a lock: one's own, or with force, which needs permission `administer`, anybody's. */
export async function deleteLock({ lfs }: LfsOptions, call: LfsCall): Promise<LfsAnswer> {
  const { principal, params } = call;
  demand(principal, 'build');
  const { force = false } = await readJson(UnlockRequest, call);
  const [held] = (await lfs.locks({ repository: params.repository, id: params.id })).items;
  if (force && held !== undefined && held.owner.identity !== principal.actor.identity) demand(principal, 'administer');
  return json({ lock: shown(await lfs.unlock({ repository: params.repository, id: params.id, force, by: principal.actor })) });
}

function shown({ id, path, lockedAt, owner }: LfsLock): object {
  return { id, path, locked_at: lockedAt, owner: { name: owner.name } };
}
