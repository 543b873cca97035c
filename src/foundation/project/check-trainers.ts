import type { SearchAxis, TrainStep } from '#contract';
import { learnerCatalog } from '#learners';
import type { Learner } from '#learners';
import type { CheckContext } from './check-context.ts';
import { checkMetric } from './check-metrics.ts';
import type { Finding, PathStep } from './problems.ts';
import { suggestionFor } from './suggest.ts';
import { taskOf } from './tasks.ts';

type Param = Learner['params'][number];

/** What does not hold in a step that trains. */
export function checkTrainStep(context: CheckContext, name: string, step: TrainStep): Finding[] {
  const path = ['steps', name];
  const { steps, data } = context.project;
  const source = Object.hasOwn(steps, step.of) ? steps[step.of] : undefined;
  if (source === undefined || !('transform' in source)) {
    const transforms = Object.entries(steps).flatMap(([other, spec]) => ('transform' in spec ? [other] : []));
    const what = Object.hasOwn(data, step.of)
      ? `"${step.of}" is a dataset`
      : source === undefined
        ? `there is no step "${step.of}"`
        : `"${step.of}" makes no features`;
    const suggestion = suggestionFor(step.of, transforms, 'transform steps');
    return [
      { path: [...path, 'of'], message: `${what}; a trainer is of a transform step`, ...(suggestion === undefined ? {} : { suggestion }) },
    ];
  }
  const learner = learnerCatalog[step.trainer];
  const task = taskOf(context.project, context.facts, step.of);
  const findings: Finding[] = [];
  if (task !== undefined && !learner.tasks.includes(task)) {
    const able = Object.values(learnerCatalog).flatMap((other) => (other.tasks.includes(task) ? [other.name] : []));
    findings.push({
      path: [...path, 'trainer'],
      message: `"${step.trainer}" does not learn a ${task} target`,
      suggestion: `these do: ${able.join(', ')}`,
    });
  }
  for (const [key, value] of Object.entries(step.params ?? {})) findings.push(...checkParam(learner, key, value, [...path, 'params', key]));
  const axes = Object.entries(step.search?.space ?? {});
  for (const [key, axis] of axes) {
    const here = [...path, 'search', 'space', key];
    findings.push(...checkAxis(learner, key, axis, here, step.search?.algorithm));
    if (Object.hasOwn(step.params ?? {}, key))
      findings.push({ path: here, atKey: true, message: `"${key}" is fixed under "params"`, suggestion: 'search for it or fix it' });
  }
  if (step.search !== undefined && axes.length === 0)
    findings.push({ path: [...path, 'search', 'space'], message: 'names no parameter to search for' });
  if (step.search?.algorithm === 'random' && step.search.trials === undefined) {
    findings.push({
      path: [...path, 'search'],
      message: '"trials" is missing: how many points a random search tries',
      suggestion: 'such as "trials: 20"',
    });
  }
  if (step.metric !== undefined) findings.push(...checkMetric(step.metric, [...path, 'metric'], task));
  return findings;
}

function checkParam(learner: Learner, key: string, value: number | string | boolean, path: readonly PathStep[]): Finding[] {
  const param = learner.params.find(({ name }) => name === key);
  if (param === undefined) return [unknownParam(learner, key, path)];
  const fault = typeof value === 'number' ? rangeFault(param, value) : `must be a number, is ${JSON.stringify(value)}`;
  return fault === undefined ? [] : [{ path, message: fault }];
}

function unknownParam(learner: Learner, key: string, path: readonly PathStep[]): Finding {
  const suggestion = suggestionFor(
    key,
    learner.params.map(({ name }) => name),
    'its parameters',
  );
  return {
    path,
    atKey: true,
    message: `trainer "${learner.name}" has no parameter "${key}"`,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

function rangeFault(param: Param, value: number): string | undefined {
  if (param.integer && !Number.isInteger(value)) return `must be a whole number, is ${value}`;
  if (value >= param.min && value <= param.max) return undefined;
  return `must lie between ${param.min} and ${param.max}, is ${value} (${param.help})`;
}

function checkAxis(learner: Learner, key: string, axis: SearchAxis, path: readonly PathStep[], algorithm: string | undefined): Finding[] {
  const param = learner.params.find(({ name }) => name === key);
  if (param === undefined) return [unknownParam(learner, key, path)];
  if (Array.isArray(axis)) return axis.flatMap((value, index) => checkParam(learner, key, value, [...path, index]));
  const [kind, [low, high]] =
    'uniform' in axis
      ? (['uniform', axis.uniform] as const)
      : 'log' in axis
        ? (['log', axis.log] as const)
        : (['integer', axis.integer] as const);
  const here = [...path, kind];
  if (algorithm === 'grid')
    return [
      { path, message: `a grid needs a list of values, not a range`, suggestion: `such as [${low}, ${high}], or "algorithm: random"` },
    ];
  if (low >= high) return [{ path: here, message: `the range ends (${high}) before it begins (${low})` }];
  if (kind === 'log' && low <= 0) return [{ path: here, message: `a logarithmic range begins above 0, this one at ${low}` }];
  if (kind !== 'integer' && param.integer)
    return [
      { path: here, message: `"${key}" is a whole number`, suggestion: `write { integer: [${Math.ceil(low)}, ${Math.floor(high)}] }` },
    ];
  return [low, high].flatMap((value, index): Finding[] => {
    const fault = rangeFault(param, value);
    return fault === undefined ? [] : [{ path: [...here, index], message: fault }];
  });
}
