// Entry of the thread that explains: one request after the other, as they come.
import { parentPort } from 'node:worker_threads';
import { GyreError, toPortable } from '#core';
import { openExplainer } from './explainer.ts';
import type { Explainer } from './explainer.ts';
import type { LaneReply, LaneRequest } from './lane-messages.ts';

if (parentPort !== null) serve(parentPort);

function serve(port: NonNullable<typeof parentPort>): void {
  const explainers = new Map<string, Explainer>();
  const reply = (message: LaneReply): void => port.postMessage(message);
  const close = async (key: string): Promise<void> => {
    await explainers.get(key)?.[Symbol.asyncDispose]();
    explainers.delete(key);
  };
  const handle = async (request: LaneRequest): Promise<void> => {
    switch (request.kind) {
      case 'open':
        explainers.set(request.key, openExplainer(request.parts));
        return;
      case 'close':
        return close(request.key);
      case 'stop':
        for (const key of explainers.keys()) await close(key);
        port.close();
        return;
      case 'explain': {
        const { id, key, job } = request;
        const givenUp = new Int32Array(request.givenUp);
        const patience = (): void => {
          if (Atomics.load(givenUp, 0) === 1) throw new GyreError('CANCELLED', 'nobody waits for the explanation any longer');
        };
        try {
          const explainer = explainers.get(key);
          if (explainer === undefined) throw new GyreError('INTERNAL', 'the model was not opened for explanations');
          patience();
          reply({ kind: 'answer', id, answer: await explainer.explain(job, patience) });
        } catch (error) {
          reply({ kind: 'failure', id, error: toPortable(error) });
        }
      }
    }
  };
  let last = Promise.resolve();
  port.on('message', (request: LaneRequest) => {
    last = last.then(() => handle(request));
  });
}
