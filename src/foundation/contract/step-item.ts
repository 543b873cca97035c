import { Type, type Static } from 'typebox';
import { Digest, Id, Instant, oneOf, strict } from './common.ts';

export const stepItemStates = ['succeeded', 'cached', 'failed', 'removed'] as const;

/** One item of a step that works by file or by group, as one step run left it. */
export const StepItem = strict({
  item: Type.String({ description: 'the path of its file, or what the names of its group stand for' }),
  state: oneOf(stepItemStates, {
    description: '`cached`: not touched since an earlier run; `removed`: its inputs are gone, and its outputs with them',
  }),
  inputs: Type.Array(strict({ path: Type.String(), size: Type.Integer(), sha256: Digest })),
  outputs: Type.Array(strict({ path: Type.String(), size: Type.Integer(), sha256: Digest })),
  stepRun: Id,
  tries: Type.Integer({ description: 'how often its process was started' }),
  error: Type.Optional(Type.String()),
  log: Type.Array(Type.String(), { description: 'the last lines that its process wrote; of failed items alone' }),
  endedAt: Instant,
});
export type StepItem = Static<typeof StepItem>;
