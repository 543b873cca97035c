import { Type, type Static } from 'typebox';
import { oneOf, strict } from './common.ts';

/** How a data plane runs its models. What is left out is measured when a model is loaded, or a default that docs/serving.md names. */
export const ExecutionSpec = strict({
  lane: Type.Optional(
    oneOf(['inline', 'workers'], { description: 'on the thread that answers HTTP, or on worker threads; default: measured, and watched' }),
  ),
  engine: Type.Optional(
    oneOf(['auto', 'onnxruntime'], {
      description: 'auto: a table’s small graph is computed by Gyre itself where that gives the very bytes of ONNX Runtime, and at once',
    }),
  ),
  provider: Type.Optional(oneOf(['cpu', 'cuda'], { description: 'what computes; one that is not there is refused' })),
  workers: Type.Optional(
    strict({
      min: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 256, description: '0: a model that nobody asks is unloaded until it is asked' }),
      ),
      max: Type.Optional(Type.Integer({ minimum: 1, maximum: 256, description: 'default: as many as cores' })),
    }),
  ),
  threads: Type.Optional(
    Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 256 })], {
      description: 'that one operation uses; auto: 1 under load, all cores for a request that is alone',
    }),
  ),
  waitMs: Type.Optional(Type.Number({ minimum: 0, description: 'a request that waits longer for its run brings one more worker' })),
  idleMs: Type.Optional(Type.Integer({ minimum: 100, description: 'workers that were not needed for so long end' })),
  maxBatchRows: Type.Optional(Type.Integer({ minimum: 1, description: 'rows of one run; default: measured' })),
  maxDelayMs: Type.Optional(Type.Number({ minimum: 0, description: 'how long a run waits for more rows; default: it does not' })),
  maxQueued: Type.Optional(Type.Integer({ minimum: 1, description: 'requests that may wait for a model' })),
  memoryMiB: Type.Optional(
    Type.Integer({ minimum: 1, description: 'of all models together; the least used ones are unloaded until they are asked' }),
  ),
});
export type ExecutionSpec = Static<typeof ExecutionSpec>;
