import { GyreError } from '#core';
import type { Run } from '#contract';
import type { WeightedVersion } from '#features';
import type { StepHandler } from '#pipelines';
import type { LoadedProject, ResolvedStep } from '#project';
import { readBackbone } from './dep-digests.ts';
import { metricInfo, isMetricName } from '#stats';
import { datasetOf } from './data-steps.ts';
import type { LoopRooms } from './rooms.ts';
import { count, optionalText, text } from './values.ts';

/** The steps that make versions of data into a model: fit the transform, train, choose. */
export function modelSteps(rooms: LoopRooms): readonly StepHandler[] {
  const { features, training } = rooms;
  return [
    {
      kind: 'features.fit',
      version: '1',
      cacheable: true,
      stillThere: async (outputs) => (await features.get(text(outputs, 'transform'))).digest === text(outputs, 'transform'),
      run: async (context) => {
        const project = rooms.project();
        const step = stepOf(project, text(context.parameters, 'step'), 'transform');
        const dataset = datasetOf(project, step.dataset);
        const transform = await features.fit({
          name: step.name,
          spec: step.spec,
          train: trainingVersions(context.inputs, context.parameters),
          key: dataset.key,
          ...(await readBackbone(project.folder, step.spec)),
          by: context.by,
        });
        return {
          outputs: { transform: transform.digest, features: transform.features.length },
          summary: `${transform.inputs.length} columns to ${transform.features.length} features, fitted on training rows alone`,
        };
      },
    },
    {
      kind: 'training.study',
      version: '1',
      cacheable: true,
      stillThere: async (outputs) => (await training.getRun(text(outputs, 'run'))).status === 'FINISHED',
      run: async (context) => {
        const project = rooms.project();
        const step = stepOf(project, text(context.parameters, 'step'), 'train');
        const { spec } = step;
        const { metric } = spec;
        const { study, best } = await training.trainStudy({
          name: step.name,
          experiment: project.resolved.project,
          trainer: spec.trainer,
          params: spec.params,
          ...(spec.search === undefined ? {} : { search: spec.search }),
          ...(metric !== undefined && isMetricName(metric) ? { metric } : {}),
          seed: spec.seed,
          transform: text(context.inputs, 'transform'),
          train: trainingVersions(context.inputs, context.parameters),
          validation: text(context.inputs, 'validation'),
          code: await rooms.codeVersion(),
          environment: rooms.environment,
          workers: rooms.workers,
          tags: { pipelineRun: context.pipelineRun, pipelineStep: context.step },
          by: context.by,
          signal: context.signal,
          onLine: (line) => context.log(line),
          onTrial: ({ trial, trials, value }) => context.progress(trial + 1, trials, `${metric ?? 'metric'} ${value.toFixed(3)}`),
        });
        const value = validationValue(best, study.metric);
        return {
          outputs: { study: study.id, run: best.id, metric: study.metric, value, trials: study.trials },
          summary: `${spec.trainer}: ${study.trials} trial${study.trials === 1 ? '' : 's'}, best ${study.metric} ${value.toFixed(3)} on validation`,
        };
      },
    },
    {
      kind: 'training.clone',
      version: '1',
      // each clone that is asked for is a run of its own
      cacheable: false,
      run: async (context) => {
        const { run: source, name, seed } = context.parameters;
        const run = await training.cloneRun({
          run: String(source),
          name: String(name),
          seed: Number(seed),
          parameters: numbersIn(context.parameters['changes']),
          code: await rooms.codeVersion(),
          environment: rooms.environment,
          workers: rooms.workers,
          tags: { pipelineRun: context.pipelineRun, pipelineStep: context.step },
          by: context.by,
          signal: context.signal,
          onLine: (line) => context.log(line),
        });
        return { outputs: { run: run.id }, summary: `${run.trainer ?? 'trainer'}: run ${run.name}, a clone of ${String(source)}` };
      },
    },
    {
      kind: 'training.choose',
      version: '1',
      cacheable: true,
      run: async (context) => {
        const trainers = String(context.parameters['steps']).split(',');
        const candidates = trainers.map((trainer) => ({
          trainer,
          run: text(context.inputs, `${trainer}.run`),
          metric: text(context.inputs, `${trainer}.metric`),
          value: count(context.inputs, `${trainer}.value`),
        }));
        const { metric } = candidates[0];
        if (candidates.some((candidate) => candidate.metric !== metric)) {
          throw new GyreError(
            'FAILED_PRECONDITION',
            `trainers are compared by one metric; they have ${candidates.map((c) => `${c.trainer} ${c.metric}`).join(', ')}`,
          );
        }
        const sign = isMetricName(metric) && !metricInfo[metric].higherIsBetter ? -1 : 1;
        const best = candidates.reduce((left, right) => (sign * right.value > sign * left.value ? right : left));
        return {
          outputs: { run: best.run, step: best.trainer, metric, value: best.value },
          summary: candidates.map(({ trainer, value }) => `${trainer} ${value.toFixed(3)}`).join(' against ') + `: ${best.trainer}`,
        };
      },
    },
  ];
}

/** The best run's metric on the validation part, under the name that training logs it by. */
function validationValue(run: Run, metric: string): number {
  const value = run.metrics[`validation_${metric}`] ?? run.metrics[metric];
  if (value === undefined)
    throw new GyreError('INTERNAL', `run ${run.id} has no ${metric} on validation; it has ${Object.keys(run.metrics).join(', ')}`);
  return value;
}

function numbersIn(value: unknown): Readonly<Record<string, number>> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.flatMap(([key, one]) => (typeof one === 'number' ? [[key, one]] : [])));
}

/** The old data by themselves, or with recent rows that count more. */
function trainingVersions(
  inputs: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, unknown>>,
): readonly WeightedVersion[] {
  const train: WeightedVersion = { version: text(inputs, 'train'), weight: 1 };
  const recent = optionalText(inputs, 'recent');
  return recent === undefined ? [train] : [train, { version: recent, weight: count(parameters, 'recentWeight') }];
}

/** @throws GyreError NOT_FOUND when the project has no such step of this kind */
export function stepOf<K extends ResolvedStep['kind']>(project: LoadedProject, name: string, kind: K): Extract<ResolvedStep, { kind: K }> {
  for (const step of project.resolved.steps) if (step.name === name && isKind(step, kind)) return step;
  throw new GyreError('NOT_FOUND', `the project has no ${kind} step "${name}"`);
}

function isKind<K extends ResolvedStep['kind']>(step: ResolvedStep, kind: K): step is Extract<ResolvedStep, { kind: K }> {
  return step.kind === kind;
}
