import { Type, type Static } from 'typebox';
import { Instant, Name, strict } from './common.ts';

/** A git repository as Git LFS knows it here: by the objects that were pushed to it. */
export const LfsRepository = strict({
  repository: Name,
  objects: Type.Integer(),
  bytes: Type.Integer({ description: 'of all its objects; what several repositories share is stored once' }),
  createdAt: Instant,
  lastStoredAt: Instant,
});
export type LfsRepository = Static<typeof LfsRepository>;
