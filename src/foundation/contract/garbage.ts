import { Type, type Static } from 'typebox';
import { Digest, Id, Instant, oneOf, strict } from './common.ts';

/** `cache`: objects in the cache of the project's workspace. `runs`: runs, logged models and experiments that were deleted. */
export const garbageKinds = ['blobs', 'cache', 'runs'] as const;

/** Something that nothing refers to, or that was deleted and that nothing needs. */
export const GarbageItem = strict({
  kind: oneOf(['blob', 'object', 'run', 'logged_model', 'experiment']),
  digest: Type.Optional({ ...Digest, description: 'of a blob' }),
  object: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}(\\.dir)?$', description: 'of an object: its name, as DVC names it' })),
  record: Type.Optional(Type.String({ description: 'of a run, logged model or experiment: its id' })),
  name: Type.Optional(Type.String()),
  bytes: Type.Integer(),
  since: Instant,
  why: Type.String({ description: 'why it may go' }),
});
export type GarbageItem = Static<typeof GarbageItem>;

const Amount = strict({ count: Type.Integer(), bytes: Type.Integer() });

/** One garbage collection: what it looked at, what it found, what it deleted. */
export const GarbageSweep = strict({
  id: Id,
  what: oneOf(garbageKinds),
  apply: Type.Boolean({ description: 'false: a dry run, which deletes nothing' }),
  graceMs: Type.Integer({ description: 'whatever is younger stays' }),
  state: oneOf(['running', 'finished', 'failed', 'cancelled']),
  phase: oneOf(['mark', 'blobs', 'objects', 'records', 'done'], { description: 'what it does, or did last' }),
  referred: Type.Integer({
    description:
      'digests that records refer to; of `runs`: deleted records that others need; of `cache`: files and folders that recorded dataset versions keep',
  }),
  looked: Amount,
  kept: Amount,
  young: Amount,
  garbage: Amount,
  deleted: Amount,
  items: Type.Array(GarbageItem, { description: 'at most the first 1000' }),
  error: Type.Optional(Type.String()),
  startedAt: Instant,
  endedAt: Type.Optional(Instant),
});
export type GarbageSweep = Static<typeof GarbageSweep>;
