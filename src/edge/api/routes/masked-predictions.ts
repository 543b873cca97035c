import { maskedText } from '#contract';
import type { Explanation, NamedRow, Prediction } from '#contract';
import { GyreError } from '#core';
import type { ApiDeps } from '../port.ts';
import { mayNotSee, personalAnywhere } from './data/masks.ts';
import type { Caller } from './data/masks.ts';

interface Mask {
  readonly prediction: (prediction: Prediction) => Prediction;
  readonly explanation: (explanation: Explanation) => Explanation;
}

/**
 * Predictions as a caller may see them: personal inputs are masked, and so is the key where the key of a dataset is personal. A caller who
 * may see them is stated to have done so.
 */
export async function masksOfPredictions(
  rooms: Pick<ApiDeps, 'project' | 'data'>,
  { principal, by }: Caller,
  shown: readonly Prediction[],
): Promise<Mask> {
  const personal = personalAnywhere(rooms);
  const hidesKeys = hasPersonalKeys(rooms);
  if (!mayNotSee(principal)) {
    for (const { endpoint, package: digest, inputs } of shown) {
      const columns = Object.keys(inputs).filter((name) => personal.has(name));
      await rooms.data.seePersonal({ version: { dataset: endpoint, digest }, columns, how: 'predictions', by });
    }
    return { prediction: (prediction) => prediction, explanation: (explanation) => explanation };
  }
  const hide = (name: string, value: NamedRow[string]): NamedRow[string] =>
    !personal.has(name) || value === null ? value : typeof value === 'string' ? maskedText : null;
  return {
    prediction: (prediction) => ({
      ...prediction,
      inputs: Object.fromEntries(Object.entries(prediction.inputs).map(([name, value]) => [name, hide(name, value)])),
      ...(hidesKeys && prediction.key !== undefined ? { key: maskedText } : {}),
    }),
    explanation: (explanation) => ({
      ...explanation,
      contributions: explanation.contributions.map((each) => (isOf(each.feature, personal) ? { ...each, value: null } : each)),
    }),
  };
}

/** Whether predictions are of people whose key is personal. */
function hasPersonalKeys(rooms: Pick<ApiDeps, 'project'>): boolean {
  const personal = personalAnywhere(rooms);
  return rooms.project.current().resolved.datasets.some(({ key }) => key !== undefined && personal.has(key));
}

/** Whoever may not see a key may not find somebody by it either. @throws GyreError PERMISSION_DENIED */
export function requireKeysSeen(rooms: Pick<ApiDeps, 'project'>, { principal }: Caller): void {
  if (!mayNotSee(principal) || !hasPersonalKeys(rooms)) return;
  throw new GyreError('PERMISSION_DENIED', 'keys are personal and masked for you: predictions cannot be selected by one', { field: 'key' });
}

/** Whether a feature is made of a personal column: the column itself, or one of its values as `gender=Female`. */
function isOf(feature: string, personal: ReadonlySet<string>): boolean {
  return [...personal].some((column) => feature === column || (feature.startsWith(column) && !/[\p{L}\d]/u.test(feature[column.length])));
}
