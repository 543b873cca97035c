import { GyreError, digestOf } from '#core';
import type { Sha256 } from '#core';
import type { JsonObject, JsonValue, StepHandler, StepPlan, Submission } from './port.ts';

/** The steps that a step waits for: those it comes after and those whose outputs it takes. */
export function dependenciesOf(step: StepPlan): readonly string[] {
  return [...new Set([...step.after, ...Object.values(step.inputs).map((input) => input.step)])];
}

/** @throws GyreError INVALID_ARGUMENT naming the step that makes the graph impossible */
export function checkPlan(submission: Submission, handlers: ReadonlyMap<string, StepHandler>): void {
  const { steps, pipeline } = submission;
  const refuse = (message: string): never => {
    throw new GyreError('INVALID_ARGUMENT', `pipeline "${pipeline}": ${message}`, { pipeline });
  };
  const names = steps.map(({ name }) => name);
  if (steps.length === 0) refuse('it has no step');
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(`two steps are named "${twice}"`);
  for (const step of steps) {
    if (!handlers.has(step.kind))
      refuse(`nothing executes steps of kind "${step.kind}" (step "${step.name}"); there are ${[...handlers.keys()].join(', ') || 'none'}`);
    const missing = dependenciesOf(step).find((name) => !names.includes(name));
    if (missing !== undefined) refuse(`step "${step.name}" waits for "${missing}", which is no step of it`);
  }
  const circle = circleOf(steps);
  if (circle !== undefined) refuse(`steps wait for each other: ${circle.join(' → ')}`);
}

function circleOf(steps: readonly StepPlan[]): readonly string[] | undefined {
  const done = new Set<string>();
  let left = steps;
  while (left.length > 0) {
    const ready = left.filter((step) => dependenciesOf(step).every((name) => done.has(name)));
    if (ready.length === 0) return left.map(({ name }) => name);
    ready.forEach(({ name }) => done.add(name));
    left = left.filter(({ name }) => !done.has(name));
  }
  return undefined;
}

/**
 * The named outputs of earlier steps that a step takes.
 * @throws GyreError FAILED_PRECONDITION when an earlier step has left no such output
 */
export function resolveInputs(step: StepPlan, outputs: ReadonlyMap<string, JsonObject>): JsonObject {
  const resolved: Record<string, JsonValue> = {};
  for (const [name, source] of Object.entries(step.inputs)) {
    const from = outputs.get(source.step) ?? {};
    const value = from[source.output];
    if (value === undefined) {
      const there = Object.keys(from).join(', ') || 'nothing';
      throw new GyreError(
        'FAILED_PRECONDITION',
        `step "${step.name}" takes "${source.output}" of step "${source.step}", which left ${there}`,
      );
    }
    resolved[name] = value;
  }
  return resolved;
}

/** What a step's outputs depend on, and nothing else: not its name, not the run it is in. */
export function cacheKeyOf(step: StepPlan, version: string, inputs: JsonObject): Sha256 {
  return digestOf({ kind: step.kind, version, parameters: step.parameters, inputs, seed: step.seed ?? null });
}
