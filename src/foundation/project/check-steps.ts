import type { ColumnTransforms, ImageTransform, TransformStep } from '#contract';
import { columnFinding } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import { checkCommandStep, checkOutputs } from './check-commands.ts';
import { checkTrainStep } from './check-trainers.ts';
import { pathOrImages } from './image-facts.ts';
import type { Finding } from './problems.ts';
import { findCycle } from './step-order.ts';
import { suggestionFor } from './suggest.ts';

/** What does not hold in the `steps` section. */
export function checkSteps(context: CheckContext): Finding[] {
  const { steps, data } = context.project;
  const findings: Finding[] = [];
  for (const [name, step] of Object.entries(steps)) {
    if (Object.hasOwn(data, name)) {
      findings.push({
        path: ['steps', name],
        atKey: true,
        message: `"${name}" is a dataset already`,
        suggestion: 'give the step another name',
      });
    }
    if ('transform' in step) findings.push(...checkTransformStep(context, name, step));
    else if ('trainer' in step) findings.push(...checkTrainStep(context, name, step));
    else findings.push(...checkCommandStep(context, name, step));
  }
  const cycle = findCycle(steps);
  if (cycle !== undefined) {
    findings.push({
      path: ['steps', cycle[0]],
      atKey: true,
      message: `steps wait for each other in a circle: ${[...cycle, cycle[0]].join(' → ')}`,
    });
  }
  return [...findings, ...checkOutputs(context)];
}

function checkTransformStep(context: CheckContext, name: string, step: TransformStep): Finding[] {
  const path = ['steps', name];
  const { data, steps } = context.project;
  if (!Object.hasOwn(data, step.of)) {
    const isStep = Object.hasOwn(steps, step.of);
    const suggestion = suggestionFor(step.of, Object.keys(data), 'datasets');
    return [
      {
        path: [...path, 'of'],
        message: isStep ? `"${step.of}" is a step; a transform is of a dataset` : `there is no dataset "${step.of}"`,
        ...(suggestion === undefined ? {} : { suggestion }),
      },
    ];
  }
  const inner = [...path, 'transform'];
  if (step.transform.image !== undefined) return checkImageTransform(context, step, path, step.transform.image);
  const { exclude = [], columns = {}, numeric, categorical, derive = {}, pca } = step.transform;
  const derived = Object.keys(derive);
  const known = (column: string): boolean => derived.includes(column);
  const findings = columnFinding(context, step.of, step.target, [...path, 'target']);
  exclude.forEach((column, index) => findings.push(...columnFinding(context, step.of, column, [...inner, 'exclude', index])));
  for (const [column, transforms] of Object.entries(columns)) {
    const here = [...inner, 'columns', column];
    if (!known(column)) findings.push(...columnFinding(context, step.of, column, here, true));
    if (exclude.includes(column))
      findings.push({ path: here, atKey: true, message: `"${column}" is excluded above`, suggestion: 'keep one of the two' });
    if (column === step.target) findings.push({ path: here, atKey: true, message: `"${column}" is the target, not a feature` });
    findings.push(...checkClip(transforms, here));
  }
  for (const name of derived) {
    if (context.facts.get(step.of)?.columns?.includes(name) === true) {
      findings.push({
        path: [...inner, 'derive', name],
        atKey: true,
        message: `dataset "${step.of}" has a column "${name}" already`,
        suggestion: 'give the feature another name',
      });
    }
  }
  if (numeric?.encode !== undefined)
    findings.push({
      path: [...inner, 'numeric', 'encode'],
      atKey: true,
      message: 'numbers are not encoded',
      suggestion: '"encode" belongs under "categorical"',
    });
  for (const member of ['scale', 'clip'] as const) {
    if (categorical?.[member] !== undefined) {
      findings.push({
        path: [...inner, 'categorical', member],
        atKey: true,
        message: `categories are not ${member === 'clip' ? 'clipped' : 'scaled'}`,
        suggestion: `"${member}" belongs under "numeric"`,
      });
    }
  }
  if (numeric !== undefined) findings.push(...checkClip(numeric, [...inner, 'numeric']));
  if (pca !== undefined) {
    pca.columns.forEach((column, index) => {
      if (!known(column)) findings.push(...columnFinding(context, step.of, column, [...inner, 'pca', 'columns', index]));
    });
    if (pca.components > pca.columns.length) {
      findings.push({
        path: [...inner, 'pca', 'components'],
        message: `${pca.components} components of ${pca.columns.length} columns`,
        suggestion: `at most ${pca.columns.length} are possible`,
      });
    }
  }
  if (step.positive !== undefined && step.task !== undefined && step.task !== 'binary') {
    findings.push({
      path: [...path, 'positive'],
      message: `a ${step.task} task has no positive class`,
      suggestion: 'remove it, or write "task: binary"',
    });
  }
  return findings;
}

/** What does not hold in a transform of pictures: it stands alone, on a dataset of images, and its network is a file. */
function checkImageTransform(context: CheckContext, step: TransformStep, path: readonly string[], image: ImageTransform): Finding[] {
  const inner = [...path, 'transform'];
  const findings = columnFinding(context, step.of, step.target, [...path, 'target']);
  for (const member of Object.keys(step.transform).filter((name) => name !== 'image')) {
    findings.push({
      path: [...inner, member],
      atKey: true,
      message: `"${member}" is of columns, which a transform of pictures does not take`,
      suggestion: 'leave it out',
    });
  }
  const source = pathOrImages(context.project.data[step.of].source);
  if (typeof source === 'string' || !('images' in source)) {
    findings.push({
      path: [...path, 'of'],
      message: `dataset "${step.of}" is no folder of images`,
      suggestion: 'its source is written with a slash at its end, or as { images: … }',
    });
  }
  if (context.absent?.has(image.backbone) === true) {
    findings.push({
      path: [...inner, 'image', 'backbone'],
      message: `there is no file ${image.backbone}`,
      suggestion: 'the path is relative to gyre.yaml',
    });
  }
  for (const value of [image.std ?? []].flat()) {
    if (value === 0) findings.push({ path: [...inner, 'image', 'std'], message: 'is 0: pixels are divided by it' });
  }
  return findings;
}

function checkClip(transforms: ColumnTransforms, path: readonly string[]): Finding[] {
  const { clip } = transforms;
  if (clip === undefined || clip.lower < clip.upper) return [];
  return [
    {
      path: [...path, 'clip'],
      message: `lower (${clip.lower}) is not below upper (${clip.upper})`,
      suggestion: 'quantiles such as { lower: 0.005, upper: 0.995 }',
    },
  ];
}
