import type { Project, StepSpec } from '#contract';
import { mayMeet } from './item-pattern.ts';

type Steps = Project['steps'];

/** The steps that a step needs: its transform, the steps it comes after, and those that write a file it reads. */
export function dependenciesOf(steps: Steps, name: string): readonly string[] {
  const step = steps[name];
  if ('transform' in step) return [];
  if ('trainer' in step) return Object.hasOwn(steps, step.of) ? [step.of] : [];
  const writers = writersOf(steps, name);
  return [...new Set([...(step.after ?? []).filter((other) => Object.hasOwn(steps, other)), ...writers])];
}

/** The steps that may write what a command step reads: its dependencies and the files that its items are made of. */
export function writersOf(steps: Steps, name: string): readonly string[] {
  const step = steps[name];
  if (!('run' in step)) return [];
  const reads = [...(step.deps ?? []), ...[step.per_file, step.group].filter((pattern) => pattern !== undefined)];
  return Object.keys(steps).filter((other) => other !== name && writes(steps[other], reads));
}

function writes(step: StepSpec, reads: readonly string[]): boolean {
  return 'run' in step && (step.outs ?? []).some((out) => reads.some((read) => mayMeet(out, read)));
}

/** The steps of a circle, in order; undefined when there is none. */
export function findCycle(steps: Steps): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): readonly string[] | undefined => {
    if (done.has(name)) return undefined;
    const at = trail.indexOf(name);
    if (at !== -1) return trail.slice(at);
    for (const dependency of dependenciesOf(steps, name)) {
      const cycle = visit(dependency, [...trail, name]);
      if (cycle !== undefined) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(steps)) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** The steps' names so that each comes after those it needs; otherwise as they were written. Takes steps without circles. */
export function inOrder(steps: Steps): readonly string[] {
  const order: string[] = [];
  const visit = (name: string): void => {
    if (order.includes(name)) return;
    dependenciesOf(steps, name).forEach(visit);
    order.push(name);
  };
  Object.keys(steps).forEach(visit);
  return order;
}
