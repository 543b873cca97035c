import type { CharterVersion, JudgedVersion, PipelineRun, QualityReport, Run, Split, StepRun, TestReport, Transform } from '#contract';
import { type Page, waitForPipeline } from './client.ts';
import { figure } from './narrator.ts';
import { metricOf, outputOf, type Stage, stepOf } from './stage.ts';

export interface Built {
  readonly run: PipelineRun;
  readonly version: JudgedVersion;
  readonly report: TestReport;
  /** Part → dataset version. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Data to registered version, by the very pipeline that `gyre run` runs. */
export async function build(stage: Stage): Promise<Built> {
  const { scientist } = stage.cast;
  const submitted = await scientist.post<PipelineRun>('pipeline-runs', { pipeline: 'build', reason: 'demo: first turn of the loop' });
  const run = await waitForPipeline(scientist, submitted.id, stage.sleep);
  await tellCharter(stage);
  const split = await tellData(stage, run);
  await tellFeatures(stage, run);
  await tellTraining(stage, run);
  const judged = await tellJudgement(stage, run);
  return { run, ...judged, parts: Object.fromEntries(split.parts.map(({ part, version }) => [part, version])) };
}

const isCached = (step: StepRun): boolean => step.state === 'cached';

async function tellCharter({ cast, tell }: Stage): Promise<void> {
  const [charter] = (await cast.scientist.get<Page<CharterVersion>>('charter-versions')).items;
  const success = Object.entries(charter.charter.success).map(([metric, threshold]) => `${metric} ${threshold}`);
  tell.station(
    'charter',
    `version ${charter.version} by ${charter.charter.owner}; success: ${success.join(', ')}; risk ${charter.charter.risk ?? 'not rated'}`,
  );
}

async function tellData({ cast, tell }: Stage, run: PipelineRun): Promise<Split> {
  const ingest = run.steps.find(({ kind }) => kind === 'data.ingest') ?? stepOf(run, 'ingest');
  const version = outputOf(ingest, 'version');
  const dataset = await cast.scientist.get<{
    readonly manifest: { readonly rows: number };
    readonly schema: { readonly columns: readonly unknown[] };
  }>(`datasets/${version}`);
  tell.station(
    'data',
    `${dataset.manifest.rows} rows, ${dataset.schema.columns.length} columns: dataset version ${version.slice(0, 12)}`,
    isCached(ingest),
  );
  const quality = await cast.scientist.get<QualityReport>(`datasets/${version}/quality`);
  const marks = quality.characteristics.map(({ name, score }) => `${name} ${figure(score, 2)}`);
  tell.station('', `quality: ${marks.join(', ')}; ${quality.violations} violations of the reviewed schema`);
  const step = run.steps.find(({ kind }) => kind === 'data.split') ?? stepOf(run, 'split');
  const split = await cast.scientist.get<Split>(`splits/${outputOf(step, 'split')}`);
  tell.station('', `split by hash of ${split.key}: ${split.parts.map(({ part, rows }) => `${part} ${rows}`).join(', ')}`, isCached(step));
  return split;
}

async function tellFeatures({ cast, tell }: Stage, run: PipelineRun): Promise<void> {
  const step = run.steps.find(({ kind }) => kind === 'features.fit') ?? stepOf(run, 'prepare');
  const transform = await cast.scientist.get<Transform>(`transforms/${outputOf(step, 'transform')}`);
  tell.station(
    'features',
    `${transform.inputs.length} raw columns to ${transform.features.length} features, fitted on train alone, as ONNX graph ${transform.graph.slice(0, 12)}`,
    isCached(step),
  );
}

async function tellTraining({ cast, tell }: Stage, run: PipelineRun): Promise<void> {
  for (const [at, step] of run.steps.filter(({ kind }) => kind === 'training.study').entries()) {
    const best = await cast.scientist.get<Run>(`runs/${outputOf(step, 'run')}`);
    tell.station(
      at === 0 ? 'training' : '',
      `${step.summary ?? step.step} (run ${best.id.slice(0, 8)}, seed ${best.seed ?? 'none'})`,
      isCached(step),
    );
  }
}

async function tellJudgement(
  { cast, tell }: Stage,
  run: PipelineRun,
): Promise<{ readonly version: JudgedVersion; readonly report: TestReport }> {
  const evaluate = stepOf(run, 'evaluate');
  const report = await cast.scientist.get<TestReport>(`test-reports/${outputOf(evaluate, 'report')}`);
  tellReport({ tell }, report, isCached(evaluate));
  const register = stepOf(run, 'register');
  const version = await cast.scientist.get<JudgedVersion>(`model-versions/${outputOf(register, 'modelVersion')}`);
  tell.station(
    'registry',
    `${version.model} version ${version.version}: package ${version.package.slice(0, 12)} of ${version.files.length} files, with model card and evidence`,
    isCached(register),
  );
  return { version, report };
}

/** A test report in two lines. */
export function tellReport({ tell }: Pick<Stage, 'tell'>, report: TestReport, cached = false): void {
  const auc = metricOf(report, 'roc_auc');
  const accuracy = metricOf(report, 'accuracy');
  const band = auc.interval === undefined ? '' : ` (95% ${figure(auc.interval.low)} to ${figure(auc.interval.high)})`;
  const failed = report.gates.filter(({ passed }) => !passed);
  tell.station(
    'evaluation',
    `ROC AUC ${figure(auc.value)}${band}, accuracy ${figure(accuracy.value)} on ${report.rows} rows that no training saw`,
    cached,
  );
  const verdict =
    failed.length === 0 ? `${report.gates.length} gates passed` : `gates failed: ${failed.map(({ message }) => message).join('; ')}`;
  const [first] = report.importance;
  tell.station(
    '',
    `${verdict}${first === undefined ? '' : `; most important: ${first.feature} (ROC AUC drops ${figure(first.drop)} without it)`}`,
  );
}
