import { Check } from 'typebox/schema';
import { Name } from '#contract';
import { GyreError } from '#core';
import { batch } from './batch.ts';
import { createLock, deleteLock, listLocks, verifyLocks } from './locks.ts';
import type { LfsOptions, LfsRoute } from './port.ts';
import { download, upload, verify } from './transfer.ts';

/** The Git LFS API below `/lfs` (git-lfs docs/api): batch with the basic transfer, and locks. `lfs.url` of a repository is `<server>/lfs/<repository>`. */
export function lfsRoutes(options: LfsOptions): readonly LfsRoute[] {
  const routes: readonly LfsRoute[] = [
    { method: 'POST', path: '/lfs/:repository/objects/batch', handle: (call) => batch(options, call) },
    { method: 'POST', path: '/lfs/:repository/objects/verify', handle: (call) => verify(options, call) },
    { method: 'PUT', path: '/lfs/:repository/objects/:oid', handle: (call) => upload(options, call) },
    { method: 'GET', path: '/lfs/:repository/objects/:oid', handle: (call) => download(options, call) },
    { method: 'GET', path: '/lfs/:repository/locks', handle: (call) => listLocks(options, call) },
    { method: 'POST', path: '/lfs/:repository/locks', handle: (call) => createLock(options, call) },
    { method: 'POST', path: '/lfs/:repository/locks/verify', handle: (call) => verifyLocks(options, call) },
    { method: 'POST', path: '/lfs/:repository/locks/:id/unlock', handle: (call) => deleteLock(options, call) },
  ];
  return routes.map(({ handle, ...route }) => ({
    ...route,
    handle: async (call) => {
      requireName(call.params.repository);
      return handle(call);
    },
  }));
}

function requireName(repository: string): void {
  const message = `"${repository.slice(0, 150)}" is no name of a repository: up to 128 letters, digits, ".", "_" and "-" are taken`;
  if (!Check(Name, repository)) throw new GyreError('NOT_FOUND', message);
}
