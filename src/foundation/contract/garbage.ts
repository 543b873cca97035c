import { Type, type Static } from 'typebox';
import { Digest, Id, Instant, oneOf, strict } from './common.ts';

export const garbageKinds = ['blobs'] as const;

/** Something that nothing refers to. */
export const GarbageItem = strict({
  kind: oneOf(['blob']),
  digest: Digest,
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
  phase: oneOf(['mark', 'blobs', 'done'], { description: 'what it does, or did last' }),
  referred: Type.Integer({ description: 'digests that records refer to' }),
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
