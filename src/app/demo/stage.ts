import type { EnvironmentState, PipelineRun, StepRun, TestReport } from '#contract';
import { GyreError } from '#core';
import type { Cast, Page } from './client.ts';
import type { Narrator } from './narrator.ts';
import type { Scenario } from './scenario.ts';

/** What every station of the demo has at hand. */
export interface Stage {
  readonly cast: Cast;
  readonly tell: Narrator;
  readonly scenario: Scenario;
  readonly control: boolean;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** @throws GyreError CANCELLED once Ctrl-C was pressed: every station before is on record, and the next start goes on from there */
export function goOn(stage: Stage): void {
  if (stage.signal.aborted) throw new GyreError('CANCELLED', 'stopped; what was done is kept, and the next "gyre demo" goes on from there');
}

/** A step of a pipeline run by its name. @throws GyreError INTERNAL */
export function stepOf(run: PipelineRun, name: string): StepRun {
  const step = run.steps.find((candidate) => candidate.step === name);
  if (step !== undefined) return step;
  throw new GyreError(
    'INTERNAL',
    `pipeline run ${run.id} has no step "${name}"; it has ${run.steps.map((candidate) => candidate.step).join(', ')}`,
  );
}

/** A text among a step's outputs. @throws GyreError INTERNAL */
export function outputOf(step: StepRun, name: string): string {
  const value = step.outputs?.[name];
  if (typeof value === 'string') return value;
  throw new GyreError('INTERNAL', `step "${step.step}" left no "${name}"`);
}

export async function environmentOf(stage: Stage, name: string): Promise<EnvironmentState> {
  const environments = await stage.cast.operator.get<Page<EnvironmentState>>('environments');
  const found = environments.items.find((environment) => environment.name === name);
  if (found !== undefined) return found;
  throw new GyreError('NOT_FOUND', `the project has no environment "${name}"`);
}

/** The environments by their place: where versions are tested, and where customers are served. */
export async function environmentNames(stage: Stage): Promise<{ readonly test: string; readonly production: string }> {
  const { items } = await stage.cast.operator.get<Page<EnvironmentState>>('environments');
  const [first, last] = [items.at(0), items.at(-1)];
  if (first === undefined || last === undefined || first === last) {
    throw new GyreError('FAILED_PRECONDITION', 'the demo needs two environments: one to test in, one to serve in');
  }
  return { test: first.name, production: last.name };
}

export function metricOf(report: TestReport, name: string): TestReport['metrics'][number] {
  const metric = report.metrics.find((candidate) => candidate.name === name);
  if (metric !== undefined) return metric;
  throw new GyreError('INTERNAL', `test report ${report.id} has no ${name}`);
}
