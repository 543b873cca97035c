import { eventType } from '#contract';
import type { Events } from '#events';
import type { Metrics } from '#telemetry';

/** Nobody scrapes more often, and a burst of events is read at once. */
const gatherMs = 250;

/**
 * Counts what happens in the loop, for `/metrics`: every event of the stream by its type (pipeline runs, deployments, windows, alerts, …),
 * and the rows that predictions and labels come in. Counts begin with the process, as counters do.
 * @param onProblem told when the stream cannot be read any more
 */
export async function countEvents(
  { events, metrics }: { readonly events: Pick<Events, 'tail' | 'lastPosition'>; readonly metrics: Metrics },
  onProblem: (error: unknown) => void,
): Promise<AsyncDisposable> {
  const counted = metrics.counter({ name: 'gyre_events_total', help: 'Changes of records, by the type of their event.', labels: ['type'] });
  const names = ['environment', 'endpoint'];
  const predictions = metrics.counter({ name: 'gyre_predictions_total', help: 'Predictions taken in from data planes.', labels: names });
  const labels = metrics.counter({ name: 'gyre_labels_total', help: 'Labels joined to predictions.', labels: names });
  const closing = new AbortController();
  const after = await events.lastPosition();
  const follow = async (): Promise<void> => {
    for await (const event of events.tail({ after, signal: closing.signal, gatherMs })) {
      counted.inc({ type: event.type });
      if (event.type === eventType('predictions.ingested')) {
        const { environment, endpoint, rows } = event.data;
        predictions.inc({ environment, endpoint }, rows);
      } else if (event.type === eventType('labels.joined')) {
        const { environment, endpoint, rows } = event.data;
        labels.inc({ environment, endpoint }, rows);
      }
    }
  };
  const following = follow().catch((error: unknown) => {
    if (!closing.signal.aborted) onProblem(error);
  });
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await following;
    },
  };
}
