import type { Project, StepSpec } from '#contract';

type Steps = Project['steps'];

/** The steps that a step needs: its transform, the steps it comes after, and those that write a file it reads. */
export function dependenciesOf(steps: Steps, name: string): readonly string[] {
  const step = steps[name];
  const others = Object.keys(steps);
  if ('transform' in step) return [];
  if ('trainer' in step) return Object.hasOwn(steps, step.of) ? [step.of] : [];
  const writers = others.filter((other) => other !== name && writes(steps[other], step.deps ?? []));
  return [...new Set([...(step.after ?? []).filter((other) => Object.hasOwn(steps, other)), ...writers])];
}

function writes(step: StepSpec, files: readonly string[]): boolean {
  return 'run' in step && (step.outs ?? []).some((out) => files.includes(out));
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
