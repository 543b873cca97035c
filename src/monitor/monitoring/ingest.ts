import { eventType } from '#contract';
import type { ModelVersion, Prediction } from '#contract';
import { GyreError, hasCode } from '#core';
import type { Tx } from '#store';
import type { IngestSegment, MonitoringDeps, SegmentIngested } from './port.ts';
import { insertSegment } from './predictions-store.ts';
import type { NewSegment } from './predictions-store.ts';
import type { PredictionRow } from './tables.ts';

/** See `Monitoring.ingestSegment`. */
export async function ingestSegment(deps: MonitoringDeps, request: IngestSegment): Promise<SegmentIngested> {
  const { store, events, clock, actor } = deps;
  const { environment, segment, predictions, by = actor } = request;
  const stranger = predictions.find((prediction) => prediction.environment !== environment);
  if (stranger !== undefined) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `segment ${segment} of environment "${environment}" holds prediction ${stranger.id} of "${stranger.environment}"`,
      { segment, prediction: stranger.id },
    );
  }
  const versions = new Map<string, ModelVersion | undefined>();
  const rows: PredictionRow[] = [];
  for (const prediction of predictions) {
    const name = `${prediction.package} ${prediction.model} ${prediction.version}`;
    if (!versions.has(name)) versions.set(name, await versionOf(deps, prediction));
    rows.push(rowOf(prediction, versions.get(name)));
  }
  const write = async (tx: Tx, args: NewSegment): Promise<SegmentIngested> => {
    const counts = await insertSegment(tx, args);
    if (counts === undefined) return { ingested: false, rows: 0 };
    for (const { endpoint, rows: added, labels } of counts) {
      const about = { subject: `${environment}/${endpoint}`, actor: by.identity };
      events.publish(tx, { ...about, type: eventType('predictions.ingested'), data: { environment, endpoint, rows: added, segment } });
      if (labels === 0) continue;
      events.publish(tx, { ...about, type: eventType('labels.joined'), data: { environment, endpoint, rows: labels, unmatched: 0 } });
    }
    return { ingested: true, rows: counts.reduce((sum, { rows: added }) => sum + added, 0) };
  };
  return store.write(write, { segment, environment, rows, ingestedAt: clock.now(), windowMs: deps.settings().windowMs });
}

/** The registered version whose package served a prediction; undefined for a model that was never registered (`serve --model`). */
async function versionOf({ registry }: MonitoringDeps, prediction: Prediction): Promise<ModelVersion | undefined> {
  try {
    const named = await registry.get(prediction.model, prediction.version);
    if (named.package === prediction.package) return named;
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
  }
  const versions = await registry.byPackagePrefix(prediction.package.slice(0, 8));
  return versions.find((version) => version.package === prediction.package);
}

function rowOf(prediction: Prediction, version: ModelVersion | undefined): PredictionRow {
  const { id, environment, endpoint, generation, model, servedAt, eventTime, latencyMs, inputs, outputs, key } = prediction;
  const { label } = outputs;
  return {
    id,
    environment,
    endpoint,
    generation,
    package: prediction.package,
    model,
    version: prediction.version,
    model_version: version?.id ?? null,
    event_time: Date.parse(eventTime ?? servedAt),
    event_time_given: eventTime !== undefined,
    served_at: Date.parse(servedAt),
    key: key ?? null,
    predicted: typeof label === 'string' ? label : null,
    score: scoreOf(outputs, version?.signature?.classes),
    latency_ms: latencyMs,
    inputs,
    outputs,
  };
}

/** Regression: the value. Binary: the probability of the second class, as training counts them. */
function scoreOf({ value, probabilities }: Prediction['outputs'], classes: readonly string[] | undefined): number | null {
  if (typeof value === 'number') return value;
  if (typeof probabilities !== 'object' || probabilities === null) return null;
  const shares = Object.entries(probabilities);
  if (shares.length !== 2) return null;
  const second = classes?.[1];
  const share: unknown = second === undefined ? shares[1][1] : shares.find(([name]) => name === second)?.[1];
  return typeof share === 'number' ? share : null;
}
