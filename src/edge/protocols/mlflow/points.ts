import type { LoggedPoint } from '#training';
import { double, integer, required, text } from './message.ts';
import type { MessageOf } from './message.ts';

/** What a value of a metric is logged with. */
export const metricFields = {
  key: required(text),
  value: required(double),
  timestamp: required(integer),
  step: integer,
  model_id: text,
  dataset_name: text,
  dataset_digest: text,
};

/** A value of a metric as it is logged. */
export function loggedPoint({
  key,
  value,
  timestamp,
  step = 0,
  model_id: model,
  dataset_name: name,
  dataset_digest: digest,
}: MessageOf<typeof metricFields>): LoggedPoint {
  if (!model) return { key, value, timestamp, step };
  return { key, value, timestamp, step, model, ...(name ? { dataset: { name, ...(digest ? { digest } : {}) } } : {}) };
}
