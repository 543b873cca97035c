import type { BatchPrediction, DatasetIngestion } from '#contract';
import type { PipelineSignal } from '#pipelines';
import { frame } from '../event-stream.ts';
import type { ApiDeps } from '../port.ts';
import type { Call, StreamAnswer } from '../route.ts';
import { positionOf } from './paging.ts';

/** What is told on the way and kept nowhere. */
type Signal =
  | PipelineSignal
  | { readonly kind: 'ingestion'; readonly ingestion: DatasetIngestion }
  | { readonly kind: 'batch'; readonly prediction: BatchPrediction };

/** Signals that say the same of the same step or ingestion replace each other while nobody has taken them yet. */
function nameOf(signal: Signal): string {
  if (signal.kind === 'batch') return `batch ${signal.prediction.id}`;
  if (signal.kind === 'ingestion') return `ingestion ${signal.ingestion.id}`;
  return signal.kind === 'run' ? `run ${signal.pipelineRun}` : `${signal.kind} ${signal.pipelineRun} ${signal.step}`;
}

/** Events after the position that the caller knows, then as they are committed; and what pipelines and ingestions report on the way. */
export async function eventStream(
  { batches, data, events, pipelines }: Pick<ApiDeps, 'batches' | 'data' | 'events' | 'pipelines'>,
  { query, request }: Pick<Call<unknown, { after?: string }, unknown>, 'query' | 'request'>,
): Promise<StreamAnswer> {
  const known = request.headers['last-event-id'];
  const after = positionOf(typeof known === 'string' && known !== '' ? known : query.after) ?? (await events.lastPosition());
  return async ({ write, signal }) => {
    const waiting = new Map<string, Signal>();
    let sending = false;
    const sendProgress = async (): Promise<void> => {
      if (sending) return;
      sending = true;
      for (let [next] = waiting; next !== undefined && !signal.aborted; [next] = waiting) {
        const [name, progress] = next;
        waiting.delete(name);
        await write(frame({ event: 'progress', data: progress }));
      }
      sending = false;
    };
    const heard = (progress: Signal): void => {
      waiting.set(nameOf(progress), progress);
      void sendProgress();
    };
    const unwatch = pipelines.watch(heard);
    const unwatchIngestions = data.ingestions.watch((ingestion) => heard({ kind: 'ingestion', ingestion }));
    const unwatchBatches = batches.watch((prediction) => heard({ kind: 'batch', prediction }));
    try {
      for await (const event of events.tail({ after, signal })) await write(frame({ id: String(event.position), data: event }));
    } finally {
      unwatch();
      unwatchIngestions();
      unwatchBatches();
    }
  };
}
