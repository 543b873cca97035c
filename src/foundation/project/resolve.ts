import type { Charter, FilesSource, ImageSource, MonitorSpec, Project, QuerySource } from '#contract';
import { parseDuration, parseGate, parseMonitorThreshold, parseThreshold } from './conditions.ts';
import { resolveBatchSchedules } from './batch-schedule.ts';
import { isFiles } from './files-facts.ts';
import { pathOrImages } from './image-facts.ts';
import { isJoin, joinText, resolveJoin } from './join.ts';
import type { ResolvedDataset, ResolvedMonitor, ResolvedProject, ResolvedStep } from './resolved.ts';
import { qualityLimits } from './quality-conditions.ts';
import { resolveEnvironments } from './resolve-environments.ts';
import { resolveSchedule } from './schedule.ts';
import { isQuery, queryText, sourceFromQuery, sourceFromText } from './table-source.ts';
import { resolveSplit } from './split.ts';
import { dependenciesOf, inOrder, writersOf } from './step-order.ts';

/**
 * Settles every default of a project in one place: where a section is silent, this says what holds.
 * @param project one that `checkProject` found right
 */
export function resolveProject(project: Project): ResolvedProject {
  const success = Object.entries(project.charter.success).map(([metric, text]) => ({ metric, ...parseThreshold(text) }));
  const { explain, outliers, batch, ...serve } = project.serve ?? {};
  const environments = resolveEnvironments(project);
  return {
    project: project.project,
    description: project.description ?? '',
    charter: { ...project.charter, risk: project.charter.risk ?? 'limited' },
    success,
    datasets: Object.entries(project.data).map(([name, spec]): ResolvedDataset => resolveDataset(project, name, spec)),
    steps: inOrder(project.steps).map((name) => resolveStep(project, name)),
    test: {
      gates: [
        ...Object.entries(project.charter.success).map(([metric, text]) => ({
          ...parseGate(`${metric} ${text.trim()}`),
          from: 'charter' as const,
        })),
        ...(project.test?.gates ?? []).map((text) => ({ ...parseGate(text), from: 'test' as const })),
      ],
      slices: project.test?.slices ?? [],
      threshold: project.test?.threshold ?? 0.5,
    },
    ci: { base: 'main', mayWorsen: {}, ...project.ci },
    environments,
    ...(project.release?.policy === undefined ? {} : { releasePolicy: project.release.policy }),
    applicationTests: { latencyP99Ms: 100, requestsPerSecond: 50, durationMs: 2000, ...project.release?.tests },
    serve: {
      endpoint: project.project,
      maxBodyBytes: 4 * 1024 * 1024,
      ...serve,
      ...(explain?.timeoutMs === undefined ? {} : { explainTimeoutMs: explain.timeoutMs }),
      batch: resolveBatchSchedules(batch, environments.at(-1)?.name),
      outliers: { method: 'isolation_forest', quantile: 0.99, ...outliers },
    },
    monitor: resolveMonitor(project.monitor ?? {}, project.charter),
    retrain: { minRows: 200, testShare: 0.3, recentWeight: 1, ...project.retrain },
  };
}

function resolveDataset(whole: Project, name: string, spec: Project['data'][string]): ResolvedDataset {
  const { source, schedule, split, maxAge, quality = {}, ...rest } = spec;
  const { project } = whole;
  return {
    ...rest,
    ...(isJoin(source) ? { source: joinText(source), join: resolveJoin(whole, source) } : resolveSource(source)),
    ...namedBy(whole, spec),
    name,
    ...(schedule === undefined ? {} : { schedule: resolveSchedule(schedule) }),
    ...(maxAge === undefined ? {} : { maxAgeMs: parseDuration(maxAge) }),
    split: resolveSplit(project, split),
    quality: {
      limits: qualityLimits(quality),
      quarantine: quality.quarantine ?? false,
      groups: quality.groups ?? [],
      places: quality.places ?? [],
      ...(quality.near === undefined ? {} : { near: quality.near }),
      ...(quality.production === undefined ? {} : { productionMs: parseDuration(quality.production) }),
      ...(quality.population === undefined ? {} : { population: quality.population }),
    },
  };
}

/** What names a row when nothing was said: the path of an image or file, a joined row's base; of a table, all its values. */
function namedBy({ data }: Project, { key, source }: Project['data'][string]): Pick<ResolvedDataset, 'key'> {
  if (key !== undefined) return { key };
  if (isJoin(source)) {
    const { key: ofBase } = data[source.join];
    return ofBase === undefined ? {} : { key: ofBase };
  }
  return isQuery(source) || typeof pathOrImages(source) === 'string' ? {} : { key: 'path' };
}

function resolveSource(
  given: string | ImageSource | FilesSource | QuerySource,
): Pick<ResolvedDataset, 'source' | 'from' | 'images' | 'isFiles'> {
  if (isFiles(given)) return { source: given.files.replace(/(?<=[^/])\/+$/, ''), isFiles: true };
  if (isQuery(given)) return { source: queryText(given), from: sourceFromQuery(given) };
  const source = pathOrImages(given);
  if (typeof source === 'string') return { source, from: sourceFromText(source) };
  const { images, labels, path = 'path', label = 'label' } = source;
  return { source: images, images: labels === undefined ? {} : { labels: { file: labels, path, label } } };
}

function resolveStep(project: Project, name: string): ResolvedStep {
  const { steps } = project;
  const step = steps[name];
  const after = dependenciesOf(steps, name);
  if ('transform' in step) return { kind: 'transform', name, dataset: step.of, spec: step, after };
  if ('trainer' in step) {
    const source = steps[step.of];
    const dataset = 'transform' in source ? source.of : '';
    return { kind: 'train', name, dataset, transform: step.of, spec: { ...step, params: step.params ?? {}, seed: step.seed ?? 0 }, after };
  }
  const timeout = step.timeout === undefined ? {} : { timeoutMs: parseDuration(step.timeout) };
  return { kind: 'command', name, spec: step, ...timeout, after, writers: writersOf(steps, name) };
}

function resolveMonitor(monitor: MonitorSpec, charter: Charter): ResolvedMonitor {
  const performance = monitor.performance ?? Object.fromEntries(Object.keys(charter.success).map((metric) => [metric, 'charter']));
  return {
    windowMs: parseDuration(monitor.window ?? '1d'),
    reference: monitor.reference ?? 'train',
    minRows: monitor.minRows ?? 50,
    drift: {
      ...(monitor.drift?.columns === undefined ? {} : { columns: monitor.drift.columns }),
      alpha: monitor.drift?.alpha ?? 0.01,
      psi: monitor.drift?.psi ?? 0.1,
    },
    performance: Object.entries(performance).map(([metric, text]) => ({
      metric,
      ...parseMonitorThreshold(text.trim() === 'charter' ? charter.success[metric] : text),
    })),
    ...(monitor.latencyP99Ms === undefined ? {} : { latencyP99Ms: monitor.latencyP99Ms }),
    onAlert: monitor.onAlert ?? ['notify'],
  };
}
