import type { CiMetric, CiReport, PipelineRun, TestReport } from '#contract';
import { isGyreError, messageOf } from '#core';
import type { BaseRun } from './base-run.ts';
import { datasetOf, msOf } from './checks.ts';
import type { CiDeps } from './port.ts';

/** With more rows in the test only the metrics that something is asked of are resampled: it takes seconds for each. */
const rowsToResampleAll = 20_000;
/** A group of fewer rows moves by chance. */
const leastSliceRows = 30;
const mostSlices = 10;
const mostWords = 8;

interface Compared {
  readonly metrics: readonly CiMetric[];
  /** Why differences were not held against chance; undefined where they were, or there are none. */
  readonly unjudged?: string;
}

/**
 * The metrics of both test reports. Where both were trained here, both models are asked on the rows of this test again, and the differences come with
 * the interval of a paired bootstrap.
 */
export async function compareMetrics(
  { evaluation }: Pick<CiDeps, 'evaluation'>,
  here: TestReport,
  base: BaseRun | undefined,
  mayWorsen: Readonly<Record<string, number>>,
): Promise<Compared> {
  const asked = (name: string): { readonly mayWorsen?: number } => (Object.hasOwn(mayWorsen, name) ? { mayWorsen: mayWorsen[name] } : {});
  const report = base?.report;
  const isSame = report?.id === here.id;
  const important = new Set([here.primary, ...Object.keys(mayWorsen), ...here.gates.map(({ name }) => name.split(' ')[0])]);
  let unjudged: string | undefined;
  const metrics: CiMetric[] = [];
  for (const { name, value, higherIsBetter } of here.metrics) {
    const other = report?.metrics.find((metric) => metric.name === name)?.value ?? null;
    const plain: CiMetric = {
      name,
      higherIsBetter,
      base: other,
      here: value,
      ...(value === null || other === null ? {} : { difference: value - other }),
      ...asked(name),
    };
    const isResampled = here.rows <= rowsToResampleAll || important.has(name);
    if (report === undefined || isSame || !isResampled || value === null || other === null || unjudged !== undefined) {
      metrics.push(plain);
      continue;
    }
    if (report.run === undefined || here.run === undefined) {
      metrics.push(plain);
      unjudged = 'one of both was not trained here';
      continue;
    }
    try {
      const comparison = await evaluation.compare({
        champion: report.run,
        challenger: here.run,
        dataset: here.dataset,
        metric: name as Parameters<typeof evaluation.compare>[0]['metric'] & string,
        ...(report.threshold === undefined ? {} : { championThreshold: report.threshold.value }),
        ...(here.threshold === undefined ? {} : { challengerThreshold: here.threshold.value }),
      });
      const { championValue, challengerValue, difference, interval, verdict } = comparison;
      metrics.push({ ...plain, base: championValue, here: challengerValue, difference, interval, verdict });
    } catch (error) {
      if (!isGyreError(error)) throw error;
      unjudged = messageOf(error);
      metrics.push(plain);
    }
  }
  return { metrics, ...(unjudged === undefined ? {} : { unjudged }) };
}

/** Groups of rows in which the first metric that slices have is worse than before. */
export function worseSlices(here: TestReport, base: TestReport | undefined): CiReport['slices'] {
  if (base === undefined || base.id === here.id) return [];
  const found = here.slices.flatMap((slice) => {
    const before = base.slices.find(({ column, value }) => column === slice.column && value === slice.value);
    const metric = [here.primary ?? '', ...here.metrics.map(({ name }) => name)].find((name) => typeof slice.metrics[name] === 'number');
    if (before === undefined || metric === undefined || Math.min(slice.rows, before.rows) < leastSliceRows) return [];
    const [now, then] = [slice.metrics[metric], before.metrics[metric]];
    if (typeof now !== 'number' || typeof then !== 'number') return [];
    const higherIsBetter = here.metrics.find(({ name }) => name === metric)?.higherIsBetter ?? true;
    const loss = higherIsBetter ? then - now : now - then;
    return loss > 0 ? [{ column: slice.column, value: slice.value, rows: slice.rows, metric, base: then, here: now, loss }] : [];
  });
  return found
    .toSorted((left, right) => right.loss - left.loss)
    .slice(0, mostSlices)
    .map(({ loss: _loss, ...slice }) => slice);
}

/** The dataset versions that the pipeline went on with, and how they differ from those of the base branch. */
export async function compareData(
  { data, comparing }: Pick<CiDeps, 'data' | 'comparing'>,
  here: PipelineRun,
  base: PipelineRun | undefined,
): Promise<CiReport['data']> {
  const found: CiReport['data'] = [];
  for (const step of here.steps.filter(({ kind }) => kind === 'data.quality')) {
    const digest = step.outputs?.['version'];
    if (typeof digest !== 'string') continue;
    const dataset = datasetOf(step);
    const version = await data.get(digest);
    const before = base?.steps.find((other) => other.step === step.step)?.outputs?.['version'];
    const at = { dataset, version: version.digest, rows: version.manifest.rows };
    if (typeof before !== 'string') {
      found.push({ ...at, changes: base === undefined ? [] : ['the base branch does not have it'] });
      continue;
    }
    const baseRows = (await data.get(before)).manifest.rows;
    const changes =
      before === digest
        ? []
        : await changesOf({ data, comparing }, dataset, before, digest).catch((error: unknown) => {
            if (isGyreError(error)) return [`they could not be compared: ${messageOf(error)}`];
            throw error;
          });
    found.push({ ...at, baseVersion: before, baseRows, changes });
  }
  return found;
}

async function changesOf(
  { data, comparing }: Pick<CiDeps, 'data' | 'comparing'>,
  dataset: string,
  from: string,
  to: string,
): Promise<string[]> {
  const { rowChanges, differences, sameSchema } = await data.compare(from, to, { examples: 1, ...comparing(dataset) });
  const { added, removed, changed } = rowChanges;
  const counts = [`${added} added`, `${removed} removed`, ...(changed === 0 ? [] : [`${changed} changed`])].join(', ');
  const more = differences.length > mostWords ? [`and ${differences.length - mostWords} differences more`] : [];
  const words = differences
    .slice(0, mostWords)
    .map(({ column, message }) => (message.includes(column) ? message : `${column}: ${message}`));
  return [`rows: ${counts}`, ...(sameSchema ? [] : ['the columns differ']), ...words, ...more];
}

/** Parameters of the chosen runs that differ, and the trainer where that does. */
export async function changedParameters(
  { training }: Pick<CiDeps, 'training'>,
  here: TestReport,
  base: TestReport | undefined,
): Promise<CiReport['parameters']> {
  if (base?.run === undefined || here.run === undefined || base.run === here.run) return [];
  const [now, then] = await Promise.all([training.getRun(here.run), training.getRun(base.run)]);
  const valuesOf = ({ trainer = '', seed, parameters }: typeof now): Record<string, string> => ({
    trainer,
    ...(seed === undefined ? {} : { seed: String(seed) }),
    ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])),
  });
  const [left, right] = [valuesOf(then), valuesOf(now)];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((name) => left[name] !== right[name])
    .map((name) => ({ name, base: left[name] ?? '', here: right[name] ?? '' }));
}

/** Each step with how long it took on both sides. */
export function comparedSteps(here: PipelineRun, base: PipelineRun | undefined): CiReport['steps'] {
  return here.steps.map((step) => {
    const ms = msOf(step);
    const other = base?.steps.find(({ step: name }) => name === step.step);
    const baseMs = other === undefined ? undefined : msOf(other);
    return { step: step.step, state: step.state, ...(ms === undefined ? {} : { ms }), ...(baseMs === undefined ? {} : { baseMs }) };
  });
}

const curveSteps = 20;

/** The ROC curves at equal distances, as charts of a few points need them. */
export function comparedCurve(here: TestReport, base: TestReport | undefined): Pick<CiReport, 'curve'> {
  const sampled = (report: TestReport | undefined): number[] | undefined => {
    const roc = report?.curves?.roc;
    if (roc === undefined || roc.length < 2) return undefined;
    return Array.from({ length: curveSteps + 1 }, (_, at) => Math.round(heightAt(roc, at / curveSteps) * 1000) / 1000);
  };
  const ours = sampled(here);
  const theirs = base === undefined || base.id === here.id ? undefined : sampled(base);
  return ours === undefined ? {} : { curve: { here: ours, ...(theirs === undefined ? {} : { base: theirs }) } };
}

/** The height of a curve of rising x, between its points by a straight line; at a step its upper end. */
function heightAt(points: readonly { readonly x: number; readonly y: number }[], x: number): number {
  const next = points.findIndex((point) => point.x > x);
  if (next === -1) return points[points.length - 1].y;
  if (next === 0) return points[0].y;
  const [left, right] = [points[next - 1], points[next]];
  return left.y + ((right.y - left.y) * (x - left.x)) / (right.x - left.x);
}
