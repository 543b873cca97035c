import type { NamedRow, Prediction, TrainedVersion } from '#contract';
import { isoInstant } from '#core';
import { toRecords } from '#tables';
import type { ApiDeps } from './port.ts';

/** Rows of a part as a data plane would have answered and logged them, a minute apart. */
export async function predictionsOf(
  deps: ApiDeps,
  version: TrainedVersion,
  { part, environment, startMs }: { readonly part: string; readonly environment: string; readonly startMs: number },
): Promise<Prediction[]> {
  const frame = await deps.data.open(part);
  const model = await deps.training.readModel(version.run);
  const scores = await model.predict(frame);
  const { inputs, threshold = 0.5, classes } = version.signature;
  return toRecords(frame, { end: 200 }).map((record, at): Prediction => {
    const row: NamedRow = Object.fromEntries(inputs.map((input) => [input.name, record[input.name]]));
    const score = scores[at];
    return {
      id: `1-${version.package.slice(0, 8)}-${String(at).padStart(4, '0')}`,
      environment,
      endpoint: deps.project.current().resolved.serve.endpoint,
      generation: 1,
      package: version.package,
      model: version.model,
      version: String(version.version),
      servedAt: isoInstant(startMs + at * 60_000),
      latencyMs: 1.5,
      inputs: row,
      outputs: { label: classes[Number(score >= threshold)], probabilities: { [classes[0]]: 1 - score, [classes[1]]: score } },
      key: String(record['customerID']),
    };
  });
}
