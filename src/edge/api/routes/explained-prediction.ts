import type { Explanation, ModelVersion, Prediction } from '#contract';
import { GyreError } from '#core';
import { requireTrained } from '#registry';
import type { ApiDeps } from '../port.ts';

interface Explained {
  readonly version: ModelVersion;
  readonly prediction: Prediction;
  readonly groupBy?: 'feature' | 'column';
}

/**
 * What moved a logged prediction: of a model of ours by its learner, of one that was trained elsewhere by the data plane that serves it.
 * @throws GyreError FAILED_PRECONDITION when the data plane serves another version now
 */
export async function explainedPrediction(
  rooms: Pick<ApiDeps, 'evaluation' | 'release'>,
  { version, prediction, groupBy }: Explained,
): Promise<Explanation> {
  if (version.brought !== undefined) return byPlane(rooms, version, prediction);
  const { id, run } = requireTrained(version, 'an explanation');
  const [explanation] = await rooms.evaluation.explain({
    run,
    frame: [prediction.inputs],
    model: id,
    ...(groupBy === undefined ? {} : { groupBy }),
  });
  return explanation;
}

async function byPlane({ release }: Pick<ApiDeps, 'release'>, { id }: ModelVersion, prediction: Prediction): Promise<Explanation> {
  const { environment, inputs } = prediction;
  const answer = await release.explain({ environment, request: { rows: [inputs] } });
  if (answer.version !== prediction.version || answer.model !== prediction.model)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the prediction was made by ${prediction.model} ${prediction.version}, which was trained elsewhere: a data plane explains what it serves, and "${environment}" serves ${answer.model} ${answer.version} now`,
    );
  const { method, scale, explanations: [row] = [] } = answer;
  if (row === undefined || method === 'occlusion')
    throw new GyreError('FAILED_PRECONDITION', 'the data plane explains this model by no contributions of columns');
  const { residual: _, ...rest } = row;
  return { model: id, method, scale, ...rest };
}
