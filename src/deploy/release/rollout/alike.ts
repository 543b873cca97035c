import { isDeepStrictEqual } from 'node:util';
import { GyreError } from '#core';
import type { JudgedVersion, RolloutPlan } from '#contract';

/**
 * Two versions share an endpoint only where callers cannot tell which of them they ask: same inputs, and but for a shadow, which answers nobody, same
 * task, classes and outputs.
 * @throws GyreError FAILED_PRECONDITION saying what differs
 */
export function requireAlike(stable: JudgedVersion, candidate: JudgedVersion, strategy: RolloutPlan['strategy']): void {
  const differing = [...differences(stable, candidate, strategy)];
  if (differing.length === 0) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${title(candidate)} and ${title(stable)} cannot share an endpoint: ${differing.join('; ')}. Release it at once, or to an endpoint of its own`,
    { modelVersion: candidate.id, stable: stable.id },
  );
}

function* differences(
  { signature: stable }: JudgedVersion,
  { signature: candidate }: JudgedVersion,
  strategy: RolloutPlan['strategy'],
): Generator<string> {
  const inputs = ({ inputs: columns }: typeof stable): string[] => columns.map(({ name, datatype }) => `${name} (${datatype})`).toSorted();
  const [asked, taken] = [inputs(stable), inputs(candidate)];
  const [lacking, more] = [asked.filter((one) => !taken.includes(one)), taken.filter((one) => !asked.includes(one))];
  if (lacking.length > 0) yield `it does not take ${lacking.join(', ')}`;
  if (more.length > 0) yield `it asks for ${more.join(', ')} as well`;
  if (strategy === 'shadow') return;
  if (stable.task !== candidate.task) yield `its task is ${candidate.task}, not ${stable.task}`;
  if (!isDeepStrictEqual(stable.classes, candidate.classes))
    yield `its classes are ${candidate.classes.join(', ')}, not ${stable.classes.join(', ')}`;
  const outputs = ({ outputs: tensors }: typeof stable): string =>
    tensors
      .map(({ name, datatype }) => `${name} (${datatype})`)
      .toSorted()
      .join(', ');
  if (outputs(stable) !== outputs(candidate)) yield `it answers ${outputs(candidate)}, not ${outputs(stable)}`;
}

function title({ model, version }: JudgedVersion): string {
  return `${model} version ${version}`;
}
