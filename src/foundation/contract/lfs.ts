import { Type, type Static } from 'typebox';
import { Actor, Instant, Name, strict } from './common.ts';

/** A git repository as Git LFS knows it here: by the objects that were pushed to it. */
export const LfsRepository = strict({
  repository: Name,
  objects: Type.Integer(),
  bytes: Type.Integer({ description: 'of all its objects; what several repositories share is stored once' }),
  createdAt: Instant,
  lastStoredAt: Instant,
});
export type LfsRepository = Static<typeof LfsRepository>;

/** A path of a repository that somebody has locked. */
export const LfsLock = strict({
  id: Type.String(),
  path: Type.String({ description: 'in the repository' }),
  lockedAt: Instant,
  owner: Actor,
});
export type LfsLock = Static<typeof LfsLock>;
