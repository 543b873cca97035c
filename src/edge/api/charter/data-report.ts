import type { DatasetVersion, Feasibility, QualityReport } from '#contract';
import { bullets, heading, table, type Gaps } from './markdown.ts';

/** What is known of one dataset of the project. */
export interface DatasetFacts {
  readonly name: string;
  readonly version?: DatasetVersion;
  readonly quality?: QualityReport;
  readonly feasibility?: Feasibility | { readonly why: string };
}

/** The data as they are: volume, quality, relevance, and whether the thresholds of success can be reached with them. */
export function dataReport(project: string, datasets: readonly DatasetFacts[], infrastructure: readonly string[], gaps: Gaps): string {
  return [
    heading(1, `Initial data report: ${project}`),
    ...datasets.map((dataset) => datasetPart(dataset, gaps)),
    heading(2, 'Missing infrastructure'),
    infrastructure.length === 0 ? 'Everything that the project’s file asks for is there.' : bullets(infrastructure),
  ].join('\n\n');
}

function datasetPart({ name, version, quality, feasibility }: DatasetFacts, gaps: Gaps): string {
  const title = heading(2, `Dataset "${name}"`);
  if (version === undefined) return [title, gaps.note(`no version of "${name}" was ingested`, `gyre data add ${name}`)].join('\n\n');
  const bytes = version.manifest.files.reduce((sum, { size }) => sum + size, 0);
  return [
    title,
    `${version.manifest.rows} rows, ${version.schema.columns.length} columns, ${megabytes(bytes)} of ${version.manifest.format} in ${version.source}; version \`${version.digest.slice(0, 12)}\` of ${version.createdAt}.`,
    heading(3, 'Quality and relevance'),
    quality === undefined
      ? gaps.note(`"${name}" was not judged`, `gyre data quality --run ${version.digest.slice(0, 12)}`)
      : qualityPart(quality),
    heading(3, 'Feasibility'),
    feasibilityPart(name, feasibility, gaps),
  ].join('\n\n');
}

function qualityPart({ characteristics }: QualityReport): string {
  const marks = table(
    ['characteristic', 'score', 'outcome'],
    characteristics.map(({ name, score, outcome }) => [name, score === null ? 'not measurable' : score.toFixed(3), outcome]),
  );
  const open = characteristics.flatMap(({ checks }) => checks.filter(({ outcome }) => outcome === 'warn' || outcome === 'fail'));
  return open.length === 0 ? marks : `${marks}\n\n${bullets(open.map(({ outcome, name, message }) => `${outcome}: ${name}: ${message}`))}`;
}

function feasibilityPart(name: string, found: DatasetFacts['feasibility'], gaps: Gaps): string {
  if (found === undefined) return gaps.note(`what "${name}" is to predict`, `data: { ${name}: { target: … } }`);
  if ('why' in found) return `Not measured: ${found.why}.`;
  const { metrics, unmeasured, cost } = found;
  const rows = metrics.map(({ metric, threshold, value, low, high, naive, verdict }) => [
    metric,
    threshold,
    `${value.toFixed(3)} (95 % ${low.toFixed(3)} to ${high.toFixed(3)})`,
    naive === null ? 'not defined' : naive.toFixed(3),
    verdict,
  ]);
  return [
    `A quick baseline (gradient boosting with usual parameters, no features made, nothing searched) learned "${found.target}" (${found.task}) from ${found.columns.length} columns of ${found.trained} rows and was asked about ${found.tested} others, out of ${found.sampled} of ${found.rows} rows chosen by chance. A project should do better; where the baseline is far below a threshold, the threshold, the data or the question is to be talked about.`,
    metrics.length === 0
      ? 'None of the thresholds is on a metric that a baseline has.'
      : table(['metric', 'threshold', 'baseline', 'knowing nothing', 'verdict'], rows),
    ...(unmeasured.length === 0 ? [] : [`Not measured by a baseline: ${unmeasured.join(', ')}.`]),
    ...(found.left.length === 0 ? [] : [`Not looked at, because they are keys or free text: ${found.left.join(', ')}.`]),
    bullets([
      `time: ${cost.halfMs} ms for half of the training rows, ${cost.wholeMs} ms for all of the sample's; ${seconds(cost.estimatedMs)} for 70 % of the whole, if time goes on growing as from the half to the whole`,
      `memory: ${megabytes(cost.sampleBytes)} for the sample and its features; ${megabytes(cost.estimatedBytes)} for all rows, if it grows with them`,
    ]),
  ].join('\n\n');
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
