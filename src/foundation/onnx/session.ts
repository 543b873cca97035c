import { readFile } from 'node:fs/promises';
import { GyreError, messageOf } from '#core';
import { checkModel } from './check.ts';
import { requireFeeds, requireOutputs, signatureOf } from './feeds.ts';
import { loadModel } from './runtime.ts';
import type { Session, SessionOptions } from './session-types.ts';

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
export async function openSession(source: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const bytes = await modelBytes(source);
  const signature = signatureOf(checkModel(bytes));
  const model = await loadModel(bytes, options);
  let open = true;
  let running = 0;
  let idle = Promise.withResolvers<void>();
  return {
    inputs: signature.inputs,
    outputs: signature.outputs,
    async run(feeds, runOptions = {}) {
      if (!open) throw new GyreError('UNAVAILABLE', 'the session is closed');
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
