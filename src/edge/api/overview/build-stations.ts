import type { Figure, Station } from '#contract';
import type { LoopFacts } from './facts.ts';
import { counted, figureText, listed } from './words.ts';

/** A quality characteristic below this is worth a look although no expectation is violated. */
const fairScore = 0.9;

export function dataStation({ dataset, quality, recent }: LoopFacts): Station {
  if (dataset === undefined)
    return { station: 'data', state: 'off', title: 'No data yet', detail: 'The pipeline has not ingested any data.', figures: [] };
  const { manifest, schema, digest, part } = dataset;
  const marks = quality?.characteristics ?? [];
  const low = marks.filter(({ score }) => score !== null && score < fairScore);
  const violations = quality?.violations ?? 0;
  const since = recent === undefined ? '' : `, and ${counted(recent.manifest.rows, 'row')} since the last alert`;
  const size = `${counted(manifest.rows, 'row')}, ${counted(schema.columns.length, 'column')}${since}`;
  const detail =
    violations > 0
      ? `${size}; ${counted(violations, 'expectation')} of the reviewed schema ${violations === 1 ? 'does' : 'do'} not hold.`
      : quality === undefined
        ? `${size}; its quality has not been measured.`
        : low.length > 0
          ? `${size}; ${listed(low.map(({ name, score }) => `${name} is ${figureText(score ?? 0)}`))}.`
          : `${size}; every expectation of the reviewed schema holds.`;
  return {
    station: 'data',
    state: violations > 0 || low.length > 0 ? 'warn' : 'good',
    title: `${dataset.dataset}${part === undefined ? '' : `, ${part}`} ${digest.slice(0, 8)}`,
    detail,
    record: { kind: 'dataset_version', id: digest },
    figures: marks.map(({ name, score }): Figure => ({ name, value: score, ...(score === null ? {} : { good: score >= fairScore }) })),
    at: dataset.createdAt,
    by: dataset.createdBy,
  };
}

/** @param metrics what the charter measures success by: the figures that people look for */
export function trainingStation({ run, pipeline, version }: LoopFacts, metrics: readonly string[]): Station {
  if (pipeline !== undefined && (pipeline.state === 'running' || pipeline.state === 'waiting')) {
    const under = pipeline.steps.filter(({ state }) => state === 'running').map(({ step }) => step);
    const done = pipeline.steps.filter(({ state }) => state === 'succeeded' || state === 'cached').length;
    return {
      station: 'training',
      state: 'waiting',
      title: `${pipeline.pipeline} is running`,
      detail: `${done} of ${counted(pipeline.steps.length, 'step')} done${under.length === 0 ? '' : `; at ${listed(under)}`}.`,
      record: { kind: 'pipeline_run', id: pipeline.id },
      figures: [],
      at: pipeline.createdAt,
      by: pipeline.createdBy,
    };
  }
  const failed = pipeline?.state === 'failed' ? pipeline : undefined;
  if (failed !== undefined && (run === undefined || failed.createdAt > (run.endedAt ?? run.startedAt))) {
    const step = failed.steps.find(({ state }) => state === 'failed');
    return {
      station: 'training',
      state: 'bad',
      title: `${failed.pipeline} failed`,
      detail: step === undefined ? 'The pipeline failed.' : `Step "${step.step}" failed: ${step.error ?? 'no reason was given'}`,
      record: { kind: 'pipeline_run', id: failed.id },
      figures: [],
      at: failed.endedAt ?? failed.createdAt,
      by: failed.createdBy,
    };
  }
  if (version?.brought !== undefined || (run === undefined && version !== undefined))
    return {
      station: 'training',
      state: 'off',
      title: 'Trained elsewhere',
      detail: `What version ${version.version} has learned from is not known here.`,
      record: { kind: 'model_version', id: version.id },
      figures: [],
      at: version.createdAt,
      by: version.createdBy,
    };
  if (run === undefined)
    return { station: 'training', state: 'off', title: 'No run yet', detail: 'Nothing has been trained.', figures: [] };
  const wanted = metrics.map((metric) => `validation_${metric}`).filter((name) => name in run.metrics);
  const judged = wanted.length > 0 ? wanted : Object.keys(run.metrics).filter((name) => name.startsWith('validation_'));
  return {
    station: 'training',
    state: run.status === 'FINISHED' ? 'good' : run.status === 'RUNNING' ? 'waiting' : 'bad',
    title: run.name,
    detail:
      run.status === 'FINISHED'
        ? `${run.trainer ?? 'a trainer'} made version ${version?.version ?? '?'}${run.seed === undefined ? '' : `, seed ${run.seed}`}.`
        : (run.error ?? `The run is ${run.status}.`),
    record: { kind: 'run', id: run.id },
    figures: judged.slice(0, 4).map((name) => ({ name, value: run.metrics[name] })),
    at: run.endedAt ?? run.startedAt,
    by: run.createdBy,
  };
}

export function testStation({ report, version, certification }: LoopFacts): Station {
  if (report === undefined)
    return { station: 'test', state: 'off', title: 'Not tested', detail: 'No version has a test report.', figures: [] };
  const failed = report.gates.filter(({ passed }) => !passed);
  const { comparison } = report;
  const compared =
    comparison === undefined
      ? ''
      : ` Against the champion: ${comparison.metric} ${figureText(comparison.challengerValue)} instead of ${figureText(comparison.championValue)} (${comparison.verdict.replace('_', ' ')}).`;
  const passed = `All ${counted(report.gates.length, 'gate')} passed on ${counted(report.rows, 'row')}${report.run === undefined ? '' : ' that no training saw'}.`;
  const detail = failed.length > 0 ? failed.map(({ message }) => message).join(' ') : `${passed}${compared}`;
  return {
    station: 'test',
    // Who certified the version has read its warnings; until then somebody should.
    state: failed.length > 0 ? 'bad' : report.warnings.length > 0 && certification?.verdict !== 'certified' ? 'warn' : 'good',
    title: `version ${version?.version ?? '?'} ${report.passed ? 'passed' : 'did not pass'}`,
    detail: failed.length === 0 && report.warnings.length > 0 ? `${detail} ${report.warnings.join(' ')}` : detail,
    record: { kind: 'test_report', id: report.id },
    figures: report.gates.flatMap((gate): Figure[] => {
      if (typeof gate.observed !== 'number') return [];
      // `roc_auc >= 0.8` is a gate, `roc_auc` its figure.
      const figure = gate.name.replace(/ *[<>]=?.*$/, '');
      const interval = report.metrics.find(({ name }) => name === figure)?.interval;
      return [
        {
          name: figure,
          value: gate.observed,
          threshold: gate.wanted,
          good: gate.passed,
          ...(interval === undefined ? {} : { interval }),
        },
      ];
    }),
    at: report.createdAt,
  };
}
