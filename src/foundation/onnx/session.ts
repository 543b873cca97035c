import { readFile } from 'node:fs/promises';
import { GyreError, messageOf } from '#core';
import { checkModel } from './check.ts';
import { provenGraph } from './direct/direct.ts';
import type { DirectGraph } from './direct/direct.ts';
import { requireFeeds, requireOutputs, signatureOf } from './feeds.ts';
import type { Signature } from './feeds.ts';
import { loadModel } from './runtime.ts';
import type { LoadedModel } from './runtime.ts';
import type { InlineSessionOptions, Session } from './session-types.ts';

/**
 * The bytes of a model, from memory or a file.
 * @throws GyreError NOT_FOUND when the file cannot be read
 */
export async function modelBytes(source: Uint8Array | string): Promise<Uint8Array> {
  if (typeof source !== 'string') return source;
  try {
    return await readFile(source);
  } catch (error) {
    throw new GyreError('NOT_FOUND', `the model file "${source}" cannot be read: ${messageOf(error)}`, { path: source }, { cause: error });
  }
}

/**
 * Loads a model on the calling thread; loading and running block it. Right for tiny models and for work on files.
 * @param source the model's bytes, or the path of a file that holds them
 * @throws GyreError INVALID_ARGUMENT when the model is broken, takes what are no tensors, or keeps values in other files;
 *   NOT_FOUND when the file cannot be read; FAILED_PRECONDITION when the execution provider is not there
 */
export async function openSession(source: Uint8Array | string, options: InlineSessionOptions = {}): Promise<Session> {
  const bytes = await modelBytes(source);
  const view = checkModel(bytes);
  const signature = signatureOf(view);
  const model = await loadModel(bytes, options);
  // Only one thread of the processor adds in an order that is known.
  const isDirect = options.direct === true && (options.provider ?? 'cpu') === 'cpu' && (options.intraOpThreads ?? 1) === 1;
  const graph = isDirect ? await provenGraph(view, signature, model) : undefined;
  if (graph === undefined) return runtimeSession(signature, model);
  await model.release();
  return directSession(signature, graph);
}

function runtimeSession(signature: Signature, model: LoadedModel): Session {
  let open = true;
  let running = 0;
  let idle = Promise.withResolvers<void>();
  return {
    inputs: signature.inputs,
    outputs: signature.outputs,
    async run(feeds, runOptions = {}) {
      if (!open) throw closed();
      requireFeeds(feeds, signature);
      const outputs = requireOutputs(runOptions.outputs, signature);
      running++;
      try {
        return await model.run(feeds, outputs);
      } finally {
        running--;
        if (running === 0) idle.resolve();
      }
    },
    async [Symbol.asyncDispose]() {
      if (!open) return;
      open = false;
      // Releasing the native session under a run that was handed over already would be a use after free.
      if (running > 0) {
        idle = Promise.withResolvers<void>();
        await idle.promise;
      }
      await model.release();
    },
  };
}

function directSession(signature: Signature, graph: DirectGraph): Session {
  let open = true;
  const all = requireOutputs(undefined, signature);
  const runNow: Session['runNow'] = (feeds, { outputs } = {}) => {
    if (!open) throw closed();
    requireFeeds(feeds, signature);
    return graph.run(feeds, outputs === undefined ? all : requireOutputs(outputs, signature));
  };
  return {
    inputs: signature.inputs,
    outputs: signature.outputs,
    run: async (feeds, runOptions) => runNow(feeds, runOptions),
    runNow,
    async [Symbol.asyncDispose]() {
      open = false;
    },
  };
}

function closed(): GyreError {
  return new GyreError('UNAVAILABLE', 'the session is closed');
}
