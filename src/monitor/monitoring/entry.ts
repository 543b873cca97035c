import { isoInstant } from '#core';
import type { PredictionEntry } from './port.ts';
import type { JoinedRow } from './query-store.ts';

/** A prediction's row as the door gives it. */
export function entryOf(row: JoinedRow, keysOnly = false): PredictionEntry {
  const { id, environment, endpoint, generation, model_version, key, predicted, score, label_revision, received_at, observed_at } = row;
  return {
    id,
    environment,
    endpoint,
    generation,
    ...(model_version === null ? {} : { modelVersion: model_version }),
    ...(key === null ? {} : { key }),
    eventTime: isoInstant(row.event_time),
    ...(predicted === null ? {} : { predicted }),
    ...(score === null ? {} : { score }),
    ...(label_revision === null || received_at === null
      ? {}
      : {
          label: {
            value: row.label,
            ...(observed_at === null ? {} : { observedAt: isoInstant(observed_at) }),
            receivedAt: isoInstant(received_at),
            revision: label_revision,
          },
        }),
    ...(keysOnly
      ? {}
      : {
          prediction: {
            id,
            environment,
            endpoint,
            generation,
            package: row.package,
            model: row.model,
            version: row.version,
            servedAt: isoInstant(row.served_at),
            ...(row.event_time_given ? { eventTime: isoInstant(row.event_time) } : {}),
            latencyMs: row.latency_ms,
            inputs: row.inputs,
            outputs: row.outputs,
            ...(key === null ? {} : { key }),
          },
        }),
  };
}
