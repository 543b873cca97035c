import type { PortableError } from '#core';
import type { ExplainAnswerParts } from './exact.ts';
import type { ExplainJob, ModelParts } from './request.ts';

/** To the thread. `stop` is answered by its end. */
export type LaneRequest =
  | { readonly kind: 'open'; readonly key: string; readonly parts: ModelParts }
  | { readonly kind: 'close'; readonly key: string }
  | { readonly kind: 'explain'; readonly id: number; readonly key: string; readonly job: ExplainJob; readonly givenUp: SharedArrayBuffer }
  | { readonly kind: 'stop' };

/** From the thread: one for each `explain`. */
export type LaneReply =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: ExplainAnswerParts }
  | { readonly kind: 'failure'; readonly id: number; readonly error: PortableError };
