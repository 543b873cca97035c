import type { Project, Task } from '#contract';
import type { DatasetFacts } from './dataset-columns.ts';

/** The task of a transform step as far as it can be told without rows: stated, or from the reviewed schema of its target. */
export function taskOf(project: Project, facts: ReadonlyMap<string, DatasetFacts>, transform: string): Task | undefined {
  const step = Object.hasOwn(project.steps, transform) ? project.steps[transform] : undefined;
  if (step === undefined || !('transform' in step)) return undefined;
  if (step.task !== undefined) return step.task;
  if (step.positive !== undefined) return 'binary';
  const target = facts.get(step.of)?.schema?.columns.find(({ name }) => name === step.target);
  if (target === undefined) return undefined;
  if (target.type === 'boolean') return 'binary';
  if (target.categories !== undefined) return target.categories.length === 2 ? 'binary' : 'multiclass';
  return target.type === 'number' ? 'regression' : undefined;
}

/** The tasks of all transform steps; those that cannot be told are left out. */
export function tasksOf(project: Project, facts: ReadonlyMap<string, DatasetFacts>): readonly Task[] {
  const tasks = Object.keys(project.steps).map((name) => taskOf(project, facts, name));
  return [...new Set(tasks.filter((task) => task !== undefined))];
}
